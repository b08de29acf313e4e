"use strict";

(() => {
  const place = document.getElementById("swagger-ui");

  // Writes that ride on a sign-in cookie show the token of this page, as every form of ours does.
  const withToken = (request) => {
    const found = document.cookie.split("; ").find((one) => one.startsWith("csrftoken="));
    const isOurs = new URL(request.url, document.baseURI).origin === window.location.origin;
    if (found && isOurs && !["GET", "HEAD", "OPTIONS"].includes((request.method || "GET").toUpperCase())) {
      request.headers["X-CSRFToken"] = decodeURIComponent(found.slice("csrftoken=".length));
    }
    return request;
  };

  window.ui = SwaggerUIBundle({
    urls: JSON.parse(place.dataset.documents),
    "urls.primaryName": place.dataset.shown,
    dom_id: "#swagger-ui",
    deepLinking: true,
    docExpansion: "list",
    filter: true,
    persistAuthorization: false,
    validatorUrl: null, // else every visitor's browser would send our address to another host
    requestInterceptor: withToken,
    presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
    layout: "StandaloneLayout",
  });
})();
