/* Where the mouse pans an image, a sheet above the image takes all that the mouse does: tell the cell beneath of it. */
const viewer = this.closest(".mrsnb-viewer");
if (viewer && !viewer.mrsnbTellsCells) {
  viewer.mrsnbTellsCells = true;
  let told = null;
  viewer.addEventListener("mousemove", event => {
    const { buttons, clientX, clientY, target } = event;
    if (buttons || target.matches(".heatmapcell") || !target.closest(".mrsnb-image")) { told = null; return; }
    const cell = document.elementsFromPoint(clientX, clientY).find(one => one.matches(".heatmapcell"));
    const what = cell && cell.__data__, place = what ? `${what.column} ${what.row}` : null;
    if (cell && place !== told) cell.dispatchEvent(new MouseEvent("mouseover", { bubbles: true, clientX, clientY }));
    told = place;
  });
}
