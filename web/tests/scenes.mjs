// Pictures for the README, drawn on a canvas: hills, a sun and its light, each by its own number.

/** Runs in a page; answers a JPEG's bytes in base64. */
export function drawScene({ seed, width, height }) {
  let state = seed * 2654435761;
  const random = () => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 374761393) >>> 0;
    return state / 2 ** 32;
  };
  const skies = [
    ["#22314f", "#d9815f", "#f9d6a2"], ["#7fb0d6", "#cfe3ef", "#fbf3df"], ["#1c1f3a", "#5d4a7a", "#e59a8a"],
    ["#3f6d78", "#a9c6b6", "#f3e6c8"], ["#20273d", "#3f5f86", "#b7cfe0"], ["#8a4b3c", "#dd9a62", "#fbe3b0"],
  ];
  const sky = skies[seed % skies.length];
  const canvas = new OffscreenCanvas(width, height);
  const c = canvas.getContext("2d");
  const gradient = c.createLinearGradient(0, 0, 0, height);
  sky.forEach((colour, index) => gradient.addColorStop(index / 2.6, colour));
  c.fillStyle = gradient;
  c.fillRect(0, 0, width, height);
  const [x, y] = [width * (0.2 + 0.6 * random()), height * (0.28 + 0.2 * random())];
  const glow = c.createRadialGradient(x, y, 0, x, y, height * 0.55);
  glow.addColorStop(0, "rgb(255 244 220 / 95%)");
  glow.addColorStop(0.07, "rgb(255 236 200 / 90%)");
  glow.addColorStop(0.1, "rgb(255 226 180 / 38%)");
  glow.addColorStop(1, "rgb(255 210 160 / 0%)");
  c.fillStyle = glow;
  c.fillRect(0, 0, width, height);
  const layers = 6;
  for (let layer = 0; layer < layers; layer += 1) {
    const base = height * (0.5 + (0.45 * layer) / layers);
    const waves = Array.from({ length: 5 }, (_, i) => [2 ** i * (0.6 + random()), random() * 7, (height * 0.07) / 1.8 ** i]);
    c.beginPath();
    c.moveTo(0, height);
    for (let px = 0; px <= width; px += 2) {
      const rise = waves.reduce((sum, [frequency, phase, size]) => sum + size * Math.sin((px / width) * frequency * 4 + phase), 0);
      c.lineTo(px, base - rise);
    }
    c.lineTo(width, height);
    c.fillStyle = `color-mix(in oklab, ${sky[1]} ${80 - layer * 15}%, #10161c)`;
    c.fill();
  }
  // Film has grain.
  const pixels = c.getImageData(0, 0, width, height);
  for (let i = 0; i < pixels.data.length; i += 4) {
    const grain = (random() - 0.5) * 14;
    for (let j = 0; j < 3; j += 1) pixels.data[i + j] += grain;
  }
  c.putImageData(pixels, 0, 0);
  return canvas.convertToBlob({ type: "image/jpeg", quality: 0.9 }).then((blob) => blob.arrayBuffer()).then((buffer) => {
    let text = "";
    for (const byte of new Uint8Array(buffer)) text += String.fromCharCode(byte);
    return btoa(text);
  });
}
