// Under the dates of a search form, once one has the focus: two months from which to choose both. The fields stay what
// the form sends, and can be typed into all the while. The calendar itself (cally) is fetched only then.

const pattern = document.querySelector("template#range");

// On a touch screen the browser's own picker is the better one.
if (pattern && matchMedia("(pointer: fine)").matches) document.querySelectorAll("form[data-range]").forEach(enhance);

function enhance(form) {
  const fields = [form.elements.arrive, form.elements.leave];
  let parts, opener, isReturning;

  async function open(field, isEntered) {
    opener = field;
    if (isReturning) return;
    const { panel, calendar } = await (parts ??= build(form, take, close, leave));
    if (document.activeElement !== field) return;
    if (!panel.matches(":popover-open")) show(panel, calendar);
    if (isEntered) calendar.focus();
  }

  function show(panel, calendar) {
    const [arrive, leave] = fields.map((field) => field.value);
    calendar.min = fields[0].min || new Date().toLocaleDateString("sv");
    calendar.max = fields[1].max;
    calendar.value = arrive && leave > arrive ? `${arrive}/${leave}` : "";
    calendar.focusedDate = [opener.value, arrive, calendar.min].find((day) => day >= calendar.min);
    panel.showPopover();
    const place = form.getBoundingClientRect();
    panel.style.top = `${place.bottom + scrollY + 8}px`;
    panel.style.left = `${Math.max(8, Math.min(place.left, document.body.clientWidth - panel.offsetWidth - 8)) + scrollX}px`;
  }

  function take(value) {
    const [arrive, leave] = value.split("/");
    fields[0].value = arrive;
    // One day chosen twice is one night.
    fields[1].value = leave > arrive ? leave : new Date(Date.parse(arrive) + 864e5).toISOString().slice(0, 10);
    for (const field of fields) field.dispatchEvent(new Event("change", { bubbles: true }));
    close();
  }

  // Closes at once, before another key is pressed. Only where the event does not tell who has the focus now, a moment
  // must pass.
  function leave({ relatedTarget }) {
    relatedTarget ? close(relatedTarget) : setTimeout(() => close(document.activeElement));
  }

  async function close(next) {
    if (!parts) return;
    const { panel } = await parts;
    if (!panel.matches(":popover-open")) return;
    if (next && (fields.includes(next) || panel.contains(next))) return;
    panel.hidePopover();
    if (next) return;
    isReturning = true;
    opener.focus();
    isReturning = false;
  }

  for (const field of fields) {
    field.addEventListener("focus", () => open(field));
    field.addEventListener("click", () => open(field));
    field.addEventListener("blur", leave);
    field.addEventListener("keydown", (event) => {
      const wantsIn = event.key === "F4" || (event.altKey && event.key === "ArrowDown");
      if (event.key === "Escape") close();
      if (!wantsIn) return;
      event.preventDefault();
      open(field, true);
    });
  }
}

async function build(form, take, close, leave) {
  const style = Object.assign(document.createElement("link"), { rel: "stylesheet", href: pattern.dataset.style });
  const styled = new Promise((resolve) => style.addEventListener("load", resolve, { once: true }));
  document.head.append(style);
  await Promise.all([import(pattern.dataset.library), styled]);
  form.after(pattern.content.cloneNode(true));
  const panel = form.parentNode.querySelector(".range");
  const calendar = panel.querySelector("calendar-range");
  for (const field of [form.elements.arrive, form.elements.leave]) {
    const told = field.getAttribute("aria-describedby");
    field.setAttribute("aria-describedby", told ? `${told} range-hint` : "range-hint");
  }
  form.classList.add("has-range");
  calendar.addEventListener("change", () => take(calendar.value));
  const last = panel.querySelector("button");
  last.addEventListener("click", () => close());
  // The calendar stands behind the form, but is a part of its dates: from its end the keyboard goes on in the form.
  last.addEventListener("keydown", (event) => {
    if (event.key !== "Tab" || event.shiftKey) return;
    event.preventDefault();
    form.elements.guests.focus();
  });
  panel.addEventListener("keydown", (event) => event.key === "Escape" && close());
  panel.addEventListener("focusout", leave);
  return { panel, calendar };
}
