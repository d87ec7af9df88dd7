// Watches a run, sends a file, asks before stopping. Everything said is put in as text, never as HTML.
const at = (id) => document.getElementById(id);
const EVERY_MS = 1000;

function watch(running) {
  const ask = async () => {
    let now;
    try {
      const answer = await fetch("/evaluation/state", { cache: "no-store" });
      if (!answer.ok) return location.reload();
      now = await answer.json();
    } catch {
      at("since").textContent = "连不上服务器，正在重试";
      return setTimeout(ask, 3 * EVERY_MS);
    }
    if (now.id !== running.dataset.id) return location.reload();
    at("told").textContent = now.told;
    at("since").textContent = now.since;
    at("share").value = now.share;
    setTimeout(ask, EVERY_MS);
  };
  setTimeout(ask, EVERY_MS);
}

function send(event) {
  event.preventDefault();
  const file = at("file").files[0], request = new XMLHttpRequest();
  const refuse = (said) => {
    at("refused").textContent = said;
    at("refused").hidden = false;
    at("sent").hidden = true;
    at("send").disabled = false;
  };
  if (!file) return refuse("还没有选文件");
  at("refused").hidden = true;
  at("sent").hidden = false;
  at("send").disabled = true;
  request.upload.onprogress = (e) => { if (e.lengthComputable) at("sent").value = e.loaded / e.total; };
  request.onerror = () => refuse("没有传上去：文件太大，或连不上服务器");
  request.onload = () => {
    let said = "没有传上去，请刷新页面再试";
    try { said = JSON.parse(request.responseText).said; } catch { /* a page, not an answer */ }
    if (request.status === 200) location.href = "/evaluation"; else refuse(said);
  };
  request.open("POST", "/evaluation/marks?name=" + encodeURIComponent(file.name));
  request.setRequestHeader("Content-Type", "application/octet-stream");
  request.send(file);
}

if (at("running")) watch(at("running"));
if (at("marks")) {
  at("marks").addEventListener("submit", send);
  at("file").addEventListener("change", () => {
    const file = at("file").files[0];
    at("picked").textContent = file ? file.name : "还没有选";
    at("refused").hidden = true;
  });
}
for (const form of document.querySelectorAll("form[data-sure]")) {
  form.addEventListener("submit", (event) => { if (!confirm(form.dataset.sure)) event.preventDefault(); });
}
if (at("all")) {
  const boxes = [...document.querySelectorAll("input[name=suite]")];
  at("all").hidden = false;
  at("all").addEventListener("click", () => {
    const every = boxes.every((box) => box.checked);
    for (const box of boxes) box.checked = !every;
  });
}
