/* SIMULATED: what a page gets from fakestripe in place of Stripe.js. One Payment Element, cards only. */
(function () {
  "use strict";
  var origin = new URL(document.currentScript.src).origin;

  function Element(elements) {
    this.elements = elements;
    this.frame = document.createElement("iframe");
    this.listeners = {};
    this.waiting = {};
    this.count = 0;
    window.addEventListener("message", this.hear.bind(this));
  }

  Element.prototype.mount = function (place) {
    var box = typeof place === "string" ? document.querySelector(place) : place;
    var look = (this.elements.appearance || {}).theme === "night" ? "night" : "day";
    this.frame.src = origin + "/v3/fields?theme=" + look;
    this.frame.title = "Secure payment input frame";
    this.frame.width = "100%";
    this.frame.height = "300";
    this.frame.setAttribute("frameborder", "0");
    box.replaceChildren(this.frame);
  };

  Element.prototype.on = function (name, listener) {
    (this.listeners[name] = this.listeners[name] || []).push(listener);
    return this;
  };

  Element.prototype.hear = function (message) {
    if (message.origin !== origin || message.source !== this.frame.contentWindow) { return; }
    var said = message.data;
    if (said.height) { this.frame.height = String(said.height); }
    if (said.event) {
      (this.listeners[said.event] || []).forEach(function (listener) { listener(said); });
    }
    if (said.answer && this.waiting[said.answer]) {
      this.waiting[said.answer](said);
      delete this.waiting[said.answer];
    }
  };

  Element.prototype.ask = function (question) {
    var element = this;
    return new Promise(function (resolve) {
      element.count += 1;
      element.waiting[element.count] = resolve;
      element.frame.contentWindow.postMessage(Object.assign({ ask: element.count }, question), origin);
    });
  };

  function withResult(address, intent) {
    var url = new URL(address);
    url.searchParams.set("payment_intent", intent.id);
    url.searchParams.set("payment_intent_client_secret", intent.client_secret);
    url.searchParams.set("redirect_status", intent.status === "succeeded" ? "succeeded" : "pending");
    return url.href;
  }

  function confirmPayment(key, options) {
    var returnUrl = (options.confirmParams || {}).return_url;
    var question = { key: key, clientSecret: options.elements.clientSecret, returnUrl: returnUrl };
    return options.elements.element.ask(question).then(function (said) {
      if (said.error) { return { error: said.error }; }
      var intent = said.intent;
      if (intent.status === "requires_action") {
        window.location.assign(intent.next_action.redirect_to_url.url);
        return new Promise(function () {});
      }
      if (options.redirect === "if_required") { return { paymentIntent: intent }; }
      window.location.assign(withResult(returnUrl, intent));
      return new Promise(function () {});
    });
  }

  window.Stripe = function (key) {
    if (!/^pk_test_./.test(key || "")) { throw new Error("fakestripe takes publishable test keys alone."); }
    return {
      elements: function (options) {
        var elements = { clientSecret: options.clientSecret, appearance: options.appearance, element: null };
        elements.create = function (kind) {
          if (kind !== "payment") { throw new Error("Only the payment element is simulated."); }
          elements.element = new Element(elements);
          return elements.element;
        };
        return elements;
      },
      confirmPayment: function (options) { return confirmPayment(key, options); }
    };
  };
}());
