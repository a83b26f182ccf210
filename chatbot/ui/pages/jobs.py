"""Display of a job that runs in another thread.

A click elsewhere, a rerun of the page or a locked phone ends the display, never the job.
"""

import logging
from concurrent.futures import wait
from typing import TypeVar

import streamlit as st

from chatbot.background import Job
from chatbot.errors import ChatbotError

log = logging.getLogger(__name__)

T = TypeVar("T")

DRAW_SECONDS = 0.2


def follow(job: Job[T], label: str) -> T:
    """Show a job's progress until it ends, and return its result.

    Once the job has ended, the page runs again, because the job may have changed what it shows.
    Raises ChatbotError if the job failed, whatever the cause.
    """
    place = st.empty()
    while not job.future.done():
        place.progress(min(max(job.fraction, 0.0), 1.0), text=label)
        wait([job.future], DRAW_SECONDS)
    place.empty()
    if not job.is_seen_to_end:
        job.is_seen_to_end = True
        st.rerun()
    try:
        return job.future.result()
    except ChatbotError as error:
        log.warning("A job failed: %s", error, exc_info=error.__cause__)
        raise
    except Exception as error:
        log.exception("A job failed")
        raise ChatbotError("click") from error
