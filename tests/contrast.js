() => {
  const rgb = (color) => {
    const parts = color.match(/[\d.]+/g).map(Number);
    return { channels: parts.slice(0, 3), alpha: parts.length > 3 ? parts[3] : 1 };
  };
  const luminance = ({ channels }) => {
    const [r, g, b] = channels.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = rgb(getComputedStyle(at).backgroundColor);
      if (color.alpha === 1) { return color; }
      if (color.alpha !== 0) { throw new Error("half transparent: " + at.className); }
    }
    return rgb("rgb(255, 255, 255)");
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.getClientRects().length || element.closest("script")) { continue; }
    const [light, dark] = [luminance(rgb(getComputedStyle(element).color)), luminance(behind(element))].sort((a, b) => b - a);
    found.push([(light + 0.05) / (dark + 0.05), element.className + ": " + walker.currentNode.data.trim().slice(0, 40)]);
  }
  return found;
}
