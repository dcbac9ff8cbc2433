// Buttons that ask the server for something: the page of what it made follows, or this page anew, or what is wrong.

document.querySelectorAll("button[data-post]").forEach((button) => {
  button.addEventListener("click", async () => {
    const answer = await fetch(button.dataset.post, { method: "POST", body: "{}" });
    const found = await answer.json();
    if (!answer.ok) button.parentElement.querySelector("[role=status]").textContent = found.error.message;
    else if (found.name?.includes("/pipelineJobs/")) location.href = `/runs/${encodeURIComponent(found.name)}`;
    else location.reload();
  });
});
