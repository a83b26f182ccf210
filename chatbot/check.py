"""The former name of `python -m chatbot check`, for one release."""

from chatbot.__main__ import run_as_before

if __name__ == "__main__":
    run_as_before("check")
