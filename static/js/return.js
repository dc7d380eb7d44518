// Asks now and then whether a payment is confirmed. Without it the link "Check again" does the same.
const region = document.querySelector("[data-ask]");
const waits = [1, 1, 2, 3, 5, 8];
const patience = 120;
let waited = 0;
let round = 0;

const say = (words) => {
  region.firstElementChild.textContent = words;
};

const ask = async () => {
  try {
    const answer = await fetch(region.dataset.ask, { cache: "no-store" });
    if (!answer.ok) return false;
    return (await answer.json()).state !== region.dataset.state;
  } catch {
    return false; // no network just now; the next round may have one
  }
};

const next = () => {
  const wait = waits[Math.min(round++, waits.length - 1)];
  waited += wait;
  if (waited > patience) {
    say(region.dataset.late);
    return;
  }
  setTimeout(async () => {
    if (!(await ask())) return next();
    say(region.dataset.news);
    setTimeout(() => location.reload(), 1000); // long enough to be read out
  }, wait * 1000);
};

if (region) next();
