// Draws the one image of this name as it is styled, a pixel to a module, and gives its side and how light each pixel is.
const found = [...document.querySelectorAll('svg[role=img]')].filter((svg) => svg.getAttribute('aria-label') === arguments[0]);
if (found.length !== 1) return null;
const [svg] = found;
const { x, y, width, height } = svg.viewBox.baseVal;
const canvas = document.createElement('canvas');
Object.assign(canvas, { width, height });
const pen = canvas.getContext('2d');
pen.fillStyle = getComputedStyle(svg).backgroundColor;
pen.fillRect(0, 0, width, height);
pen.translate(-x, -y);
for (const path of svg.querySelectorAll('path')) {
  pen.fillStyle = getComputedStyle(path).fill;
  pen.fill(new Path2D(path.getAttribute('d')));
}
const { data } = pen.getImageData(0, 0, width, height);
return { width, height, light: [...data].filter((_, index) => index % 4 === 1) };
