(function () {
  "use strict";
  var root = document.documentElement;
  var live = document.getElementById("live");
  var timer = 0;

  function say(text) {
    // Emptied first, so that the same words are announced a second time.
    live.textContent = "";
    window.clearTimeout(timer);
    window.setTimeout(function () { live.textContent = text; }, 30);
    timer = window.setTimeout(function () { live.textContent = ""; }, 6000);
  }

  function message(kind, what) {
    return live.getAttribute("data-" + kind + "-" + root.lang).replace("{what}", function () { return what; });
  }

  function shown(element) {
    return Array.prototype.map.call(element.childNodes, function (node) {
      if (node.nodeType === Node.TEXT_NODE) { return node.data; }
      if (node.classList.contains("l") && node.lang !== root.lang) { return ""; }
      return shown(node);
    }).join("").replace(/\s+/g, " ").trim();
  }

  function copyBySelection(text) {
    var area = document.createElement("textarea");
    var before = document.activeElement;
    area.value = text;
    area.className = "sr";
    area.setAttribute("readonly", "");
    document.body.appendChild(area);
    area.select();
    var done = false;
    try { done = document.execCommand("copy"); } catch (error) { done = false; }
    area.remove();
    before.focus();
    return done;
  }

  function copy(button) {
    var text = button.getAttribute("data-copy");
    var what = shown(button.querySelector(".what"));
    function finish(done) {
      say(message(done ? "copied" : "failed", what));
      if (!done) { return; }
      button.classList.add("done");
      window.setTimeout(function () { button.classList.remove("done"); }, 2000);
    }
    function fallBack() { finish(copyBySelection(text)); }
    // Browsers offer the clipboard to secure pages only; a page opened from a mail or an intranet may not be one.
    if (navigator.clipboard && navigator.clipboard.writeText) {
      navigator.clipboard.writeText(text).then(function () { finish(true); }, fallBack);
    } else {
      fallBack();
    }
  }

  function use(language) {
    root.lang = language;
    document.title = root.getAttribute("data-title-" + language);
    live.textContent = "";
    document.querySelectorAll("[data-language]").forEach(function (button) {
      button.setAttribute("aria-pressed", String(button.getAttribute("data-language") === language));
    });
  }

  document.addEventListener("click", function (event) {
    var button = event.target.closest("button");
    if (!button) { return; }
    if (button.hasAttribute("data-copy")) { copy(button); }
    if (button.hasAttribute("data-language")) { use(button.getAttribute("data-language")); }
  });
  root.classList.add("scripted");
})();
