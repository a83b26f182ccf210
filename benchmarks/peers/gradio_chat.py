"""A chat page as Gradio's own documentation builds it, for comparison."""

import os

import gradio as gr
from openai import OpenAI

client = OpenAI()


def reply(message, history):
    messages = [{"role": one["role"], "content": one["content"]} for one in history]
    stream = client.chat.completions.create(
        model="test-model",
        messages=[*messages, {"role": "user", "content": message}],
        stream=True,
    )
    answer = ""
    for chunk in stream:
        answer += chunk.choices[0].delta.content or ""
        yield answer


gr.ChatInterface(reply).launch(server_port=int(os.environ["PORT"]))
