"""`[providers.NAME]` in secrets.toml: further servers, whose models stand in the same list."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from chatbot.endpoints import BETWEEN, Endpoint, is_key, web_address
from chatbot.prices import Price, stated_prices


def names_in(value: object) -> tuple[str, ...]:
    """Names that are separated by commas, or in a list. Raises ValueError."""
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise ValueError
    return tuple(name.strip() for name in names if name.strip())


def prices_in(value: object) -> tuple[Price, ...]:
    """Prices as `stated_prices` reads them. Raises ValueError."""
    if value == ():
        return ()
    if not isinstance(value, str):
        raise ValueError
    return stated_prices(value)


def _bare(key: SecretStr) -> SecretStr:
    if not is_key(key.get_secret_value()):
        raise ValueError
    return key


def _without_separator(label: str) -> str:
    if BETWEEN.strip() in label:
        raise ValueError
    return label.strip()


class Provider(BaseModel):
    """One of these tables, checked. The key never prints."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: Annotated[str, AfterValidator(web_address)]
    api_key: Annotated[SecretStr | None, AfterValidator(lambda key: key and _bare(key))] = None
    models: Annotated[tuple[str, ...], BeforeValidator(names_in)] = ()
    label: Annotated[str, AfterValidator(_without_separator)] = ""
    context_window: int | None = Field(None, ge=256)
    prices: Annotated[tuple[Price, ...], BeforeValidator(prices_in)] = ()

    def endpoint(self, name: str, connect_timeout: float, silence_timeout: float) -> Endpoint:
        """The server it stands for; timeouts are in seconds."""
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
