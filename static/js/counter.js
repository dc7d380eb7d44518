// Says under a text field how many characters are left. The limit itself is the field's own, and the server's.
for (const field of document.querySelectorAll("textarea[data-left]")) {
  const counter = document.createElement("p");
  counter.className = "counter small soft";
  const count = () => {
    counter.textContent = field.dataset.left.replace("{left}", Math.max(0, field.maxLength - field.value.length));
  };
  field.after(counter);
  field.addEventListener("input", count);
  count();
}
