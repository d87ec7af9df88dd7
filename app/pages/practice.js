() => {
  document.documentElement.lang = "zh-CN";
  document.body.classList.remove("dark");
  // Keep the newest line in sight, and let the keyboard stay in the reply box.
  let last = 0;
  new MutationObserver(() => {
    const log = document.getElementById("kefu-log");
    if (!log) return;
    const size = log.textContent.length + log.children.length;
    if (size !== last) { last = size; log.scrollTop = log.scrollHeight; }
  }).observe(document.body, { childList: true, subtree: true, characterData: true });
}
