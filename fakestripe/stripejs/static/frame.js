/* The frame's side: reads the card, confirms the PaymentIntent, and tells the page only what came of it. */
(function () {
  "use strict";
  var form = document.getElementById("fields");
  var problem = document.getElementById("problem");

  function tell(said) { window.parent.postMessage(said, "*"); }
  function grow() { tell({ height: document.documentElement.scrollHeight }); }

  function show(text) {
    problem.textContent = text;
    problem.hidden = !text;
    grow();
  }

  function read() {
    var number = form.cardNumber.value.replace(/\s/g, "");
    var expiry = /^\s*(\d{1,2})\s*\/\s*(\d{2}|\d{4})\s*$/.exec(form.cardExpiry.value);
    if (!/^\d{12,19}$/.test(number)) { return { wrong: "Your card number is incomplete." }; }
    if (!expiry) { return { wrong: "Your card's expiration date is incomplete." }; }
    if (!/^\d{3,4}$/.test(form.cardCvc.value)) { return { wrong: "Your card's security code is incomplete." }; }
    var year = Number(expiry[2]);
    return { number: number, month: Number(expiry[1]), year: year > 99 ? year : 2000 + year, cvc: form.cardCvc.value };
  }

  function body(card, asked) {
    var sent = new URLSearchParams();
    sent.set("client_secret", asked.clientSecret);
    sent.set("return_url", asked.returnUrl);
    sent.set("payment_method_data[type]", "card");
    sent.set("payment_method_data[card][number]", card.number);
    sent.set("payment_method_data[card][exp_month]", card.month);
    sent.set("payment_method_data[card][exp_year]", card.year);
    sent.set("payment_method_data[card][cvc]", card.cvc);
    return sent;
  }

  function confirm(asked) {
    var card = read();
    if (card.wrong) {
      show(card.wrong);
      return Promise.resolve({ error: { type: "validation_error", code: "incomplete", message: card.wrong } });
    }
    show("");
    var path = "/v1/payment_intents/" + encodeURIComponent(asked.clientSecret.split("_secret_")[0]) + "/confirm";
    var headers = { Authorization: "Bearer " + asked.key };
    return fetch(path, { method: "POST", headers: headers, body: body(card, asked) })
      .then(function (answer) { return answer.json(); })
      .then(function (told) { return told.error ? { error: told.error } : { intent: told }; })
      .catch(function () {
        return { error: { type: "api_connection_error", message: "The payment provider could not be reached." } };
      });
  }

  window.addEventListener("message", function (message) {
    if (message.source !== window.parent || !message.data.ask) { return; }
    confirm(message.data).then(function (said) { tell(Object.assign({ answer: message.data.ask }, said)); });
  });
  form.addEventListener("submit", function (event) { event.preventDefault(); });
  form.addEventListener("input", function () { show(""); tell({ event: "change" }); });
  grow();
  tell({ event: "ready" });
}());
