"""What a viewer leaves where no kernel is: on GitHub, in an HTML file, in a notebook that is opened again."""

from typing import Any

from ipywidgets import VBox


class Pictured(VBox):  # type: ignore[misc]
    """A box of widgets that shows itself as a picture as well."""

    _density = 1
    """Pixels of the picture in a CSS pixel."""

    def _png(self) -> bytes:
        """Return a PNG file of what is seen."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **options: Any) -> Any:
        bundle = super()._repr_mimebundle_(**options)
        if not isinstance(bundle, dict):
            return bundle
        png = self._png()
        width = int.from_bytes(png[16:20], "big") // self._density
        return bundle | {"image/png": png}, {"image/png": {"width": width}}
