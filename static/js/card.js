/* The page with Stripe's fields: mount them, confirm, and let the server say what a refusal means. */
(function () {
  "use strict";
  var form = document.getElementById("card-form");
  var button = document.getElementById("card-pay");
  var problem = document.getElementById("card-problem");
  if (!form) { return; }
  if (typeof window.Stripe !== "function") {
    document.getElementById("card-missing").hidden = false;
    return;
  }
  var words = button.textContent;
  var isDark = window.getComputedStyle(document.documentElement).colorScheme.indexOf("dark") === 0
    || window.matchMedia("(prefers-color-scheme: dark)").matches;
  var stripe = window.Stripe(form.dataset.key);
  var elements = stripe.elements({
    clientSecret: form.dataset.secret,
    locale: document.documentElement.lang,
    appearance: { theme: isDark ? "night" : "stripe" }
  });
  var payment = elements.create("payment");

  function rest(isBusy) {
    button.disabled = isBusy;
    button.textContent = isBusy ? form.dataset.paying : words;
  }

  function refuse(error) {
    // What is typed wrongly stands beside its field. What a bank says is told by our server, in the guest's language.
    if (error.type === "validation_error") { rest(false); return; }
    window.location.replace(form.dataset.back);
  }

  payment.on("ready", function () { rest(false); });
  payment.on("change", function () { problem.hidden = true; });
  form.addEventListener("submit", function (event) {
    event.preventDefault();
    rest(true);
    stripe.confirmPayment({ elements: elements, confirmParams: { return_url: form.dataset.back } })
      .then(function (result) { if (result && result.error) { refuse(result.error); } });
  });
  form.hidden = false;
  payment.mount("#card-fields");
}());
