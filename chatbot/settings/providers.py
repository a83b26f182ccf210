"""`[providers.NAME]` in secrets.toml: further servers, with all models in one list."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from chatbot.llm.endpoint import BETWEEN, Endpoint, Price, is_key, web_address
from chatbot.settings.values import names_in, prices_in


def _bare(key: SecretStr) -> SecretStr:
    if not is_key(key.get_secret_value()):
        raise ValueError
    return key


def _without_separator(label: str) -> str:
    if BETWEEN.strip() in label:
        raise ValueError
    return label.strip()


class Provider(BaseModel):
    """A validated provider table. The key is never printed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: Annotated[str, AfterValidator(web_address)]
    api_key: Annotated[SecretStr | None, AfterValidator(lambda key: key and _bare(key))] = None
    models: Annotated[tuple[str, ...], BeforeValidator(names_in)] = ()
    label: Annotated[str, AfterValidator(_without_separator)] = ""
    context_window: int | None = Field(None, ge=256)
    prices: Annotated[tuple[Price, ...], BeforeValidator(prices_in)] = ()

    def endpoint(self, name: str, connect_timeout: float, silence_timeout: float) -> Endpoint:
        """Return the provider's server; timeouts are in seconds."""
        return Endpoint(
            base_url=self.base_url,
            api_key=self.api_key.get_secret_value() if self.api_key else None,
            connect_timeout_seconds=connect_timeout,
            silence_timeout_seconds=silence_timeout,
            context_window_tokens=self.context_window,
            prices=self.prices,
            models=self.models,
            provider=name,
            label=self.label or name,
        )
