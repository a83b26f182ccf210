"""A chat page as Chainlit's own documentation builds it, for comparison."""

import chainlit as cl
from openai import AsyncOpenAI

client = AsyncOpenAI()


@cl.on_message
async def reply(message: cl.Message):
    stream = await client.chat.completions.create(
        model="test-model", messages=cl.chat_context.to_openai(), stream=True
    )
    answer = cl.Message(content="")
    async for chunk in stream:
        if token := chunk.choices[0].delta.content:
            await answer.stream_token(token)
    await answer.update()
