// Makes the stay page quicker: arrow keys over the calendar, a preview of the nights, the price without a new page.
// The server draws everything. Whatever fails here becomes an ordinary visit to the same address.

const $ = (what, from = document) => from.querySelector(what);
const form = $("form.dates");
const news = Object.assign(document.createElement("p"), { className: "vh", role: "status" });
let nights, days, line, asked, wait;

// --- the price without a new page ---

async function go(address, day) {
  clearTimeout(wait);
  asked?.abort();
  const mine = (asked = new AbortController());
  try {
    const answer = await fetch(address, { signal: mine.signal });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!$("#nights", page)) throw new Error(answer.status);
    swap(page, day);
    history.replaceState(null, "", address.split("#")[0]);
  } catch {
    if (!mine.signal.aborted) location.assign(address);
  }
}

function swap(page, day) {
  const had = document.activeElement;
  const [before, after] = [document, page].map((from) => $("#quote", from).dataset.said);
  for (const part of document.querySelectorAll("[data-live]")) {
    // A list of problems above the page would push away what the guest is looking at; the field says it too.
    if (part.id !== "problems" || part.childElementCount) part.replaceWith(page.getElementById(part.id));
  }
  for (const field of form.querySelectorAll("[name]")) keepUp(field, page.getElementById(field.id));
  if (!form.contains(had)) form.parentNode.open = $("form.dates", page).parentNode.open;
  document.title = page.title;
  readGrid(day ?? had.dataset.day);
  if (!had.isConnected) comeBack(day ?? had.dataset.day, had.rel?.split(" ")[0]);
  const months = [...nights.querySelectorAll("caption")].map((month) => month.textContent);
  news.textContent = after === before ? months.join(", ") : after;
}

function keepUp(field, fresh) {
  field.setAttribute("aria-invalid", fresh.ariaInvalid ?? "false");
  if (field === document.activeElement) return;
  field.type = fresh.type;
  field.value = fresh.getAttribute("value");
}

function comeBack(day, turn) {
  const again = (day && $(`[data-day="${day}"]`)) || (/prev|next/.test(turn) && $(`[rel~=${turn}]`, nights));
  (again || $("[data-day][tabindex='0']")).focus();
}

function ask(event) {
  const asks = new URLSearchParams(new FormData(form));
  clearTimeout(wait);
  if (event.type === "submit") event.preventDefault();
  // While a date is half typed there is nothing to ask.
  if ([...form.elements].some((field) => field.validity.badInput)) return;
  wait = setTimeout(go, event.type === "submit" ? 0 : 400, `${form.action}?${asks}`);
}

function follow(event) {
  const link = event.target.closest("#nights a, #quote .near a");
  const plain = !(event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
  if (!link || !plain || link.pathname !== location.pathname) return;
  event.preventDefault();
  go(link.href);
}

// --- arrow keys: one day can be reached with Tab, the others from it ---

function readGrid(day) {
  nights = $("#nights");
  days = [...nights.querySelectorAll("[data-day]")];
  line = $("[data-pick]", nights);
  line.dataset.pick = line.textContent;
  $("[data-keys]", nights).hidden = false;
  for (const table of nights.querySelectorAll("table")) table.role = "grid";
  for (const cell of days) cell.tabIndex = -1;
  const first = days.find((cell) => cell.dataset.day === day) ?? $(".is-chosen [data-day], a[data-day]", nights);
  (first ?? days[0]).tabIndex = 0;
}

function shift(day, step, months = 0) {
  const [year, month, date] = day.split("-").map(Number);
  const last = new Date(Date.UTC(year, month + months, 0)).getUTCDate();
  return new Date(Date.UTC(year, month - 1 + months, Math.min(date, last) + step)).toISOString().slice(0, 10);
}

function move(event) {
  const cell = event.target.closest("[data-day]");
  if (!cell || event.altKey || event.ctrlKey || event.metaKey) return;
  const { day } = cell.dataset;
  const week = [...cell.closest("tr").querySelectorAll("[data-day]")];
  const wanted = {
    ArrowLeft: () => shift(day, -1), ArrowRight: () => shift(day, 1),
    ArrowUp: () => shift(day, -7), ArrowDown: () => shift(day, 7),
    PageUp: () => shift(day, 0, -1), PageDown: () => shift(day, 0, 1),
    Home: () => week[0].dataset.day, End: () => week.at(-1).dataset.day,
    " ": () => cell.click(),
  }[event.key];
  if (!wanted) return;
  event.preventDefault();
  const target = wanted();
  if (target) reach(target, cell);
}

function reach(day, from) {
  const cell = days.find((one) => one.dataset.day === day);
  if (!cell) {
    const turn = $(day < days[0].dataset.day ? "[rel~=prev]" : "[rel~=next]", nights);
    if (turn) go(turn.href, day);
    return;
  }
  from.tabIndex = -1;
  cell.tabIndex = 0;
  cell.focus();
}

// --- the nights that a day to leave would give ---

function preview(event) {
  const over = event.type === "mouseleave" ? null : event.target.closest?.("[data-stay]");
  const { arrive } = $(".months", nights).dataset;
  line.textContent = over ? over.dataset.stay : line.dataset.pick;
  for (const cell of days) {
    const { day } = cell.dataset, { classList } = cell.parentNode, leave = over?.dataset.day;
    const inside = over && day >= arrive && day < leave;
    classList.toggle("is-preview", !!inside);
    classList.toggle("is-preview-last", !!inside && shift(day, 1) === leave);
    classList.toggle("is-preview-leave", day === leave);
  }
}

readGrid();
$("main").append(news);
document.addEventListener("click", follow);
form.addEventListener("change", ask);
form.addEventListener("submit", ask);
$("#nights").parentNode.addEventListener("keydown", move);
$("#nights").parentNode.addEventListener("focusin", preview);
$("#nights").parentNode.addEventListener("mouseover", preview);
$("#nights").parentNode.addEventListener("mouseleave", preview);
