"""What a viewer leaves where no kernel is: on GitHub, in an HTML file, in a notebook that is opened again."""

from typing import Any

from ipywidgets import VBox


class Pictured(VBox):  # type: ignore[misc]
    """A box of widgets that shows itself as a picture as well."""

    def _png(self) -> bytes:
        """Return a PNG file of what is seen."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **options: Any) -> Any:
        bundle = super()._repr_mimebundle_(**options)
        if isinstance(bundle, dict):
            bundle["image/png"] = self._png()
        return bundle
