// Counts the minutes of a hold beside the time on the clock. It is read out twice only: at five minutes and at one.
// The shop's clock counts, not the visitor's, which may be wrong: the page says what time it was when it was made.
const counter = document.querySelector("[data-until]");
const told = document.querySelector("[data-told]");
const ahead = counter ? Date.now() - Date.parse(counter.dataset.now) : 0;

const words = (minutes) => {
  if (minutes < 1) return counter.dataset.over;
  return minutes === 1 ? counter.dataset.one : counter.dataset.many.replace("{minutes}", minutes);
};

const tick = (announced) => {
  const left = Date.parse(counter.dataset.until) - (Date.now() - ahead);
  const minutes = Math.max(0, Math.ceil(left / 60000));
  counter.textContent = words(minutes);
  const due = [1, 5].find((mark) => minutes > 0 && minutes <= mark);
  if (due && due !== announced) told.textContent = words(minutes);
  if (left > 0) setTimeout(tick, (left % 60000) + 50, due ?? announced);
};

if (counter) {
  counter.hidden = false;
  tick();
}
