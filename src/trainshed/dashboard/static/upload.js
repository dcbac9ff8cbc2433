// Puts files of one's own into a bucket, one after the other, by Cloud Storage's own upload.

async function put(bucket, name, file) {
  const query = new URLSearchParams({ uploadType: "media", name });
  const headers = { "content-type": file.type || "application/octet-stream" };
  const answer = await fetch(`/upload/storage/v1/b/${bucket}/o?${query}`, { method: "POST", headers, body: file });
  if (answer.ok) return;
  const found = await answer.json().catch(() => ({}));
  throw new Error(found.error?.message ?? `${answer.status}`);
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("form.uploads")) return;
  event.preventDefault();
  const said = form.querySelector(".said");
  const button = form.querySelector("button");
  const files = [...form.querySelector("input").files];
  button.disabled = true;
  try {
    for (const [place, file] of files.entries()) {
      said.textContent = `${place + 1} of ${files.length}: ${file.name} …`;
      await put(form.dataset.bucket, form.dataset.prefix + file.name, file);
    }
    said.textContent = files.length === 1 ? "1 file is there." : `${files.length} files are there.`;
    form.reset();
  } catch (error) {
    said.textContent = error.message;
  } finally {
    button.disabled = false;
  }
});
