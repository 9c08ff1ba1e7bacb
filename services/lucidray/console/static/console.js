// Keeps the pages up to date and lets slices be browsed. Everything else works without it.
"use strict";

const REFRESH_MS = 300; // changes come in bursts
const AGO_MS = 15000;

function refreshTimes() {
  const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
    const [unit, length] = units.find(([, each]) => seconds >= each) || ["s", 1];
    time.textContent = seconds < 5 ? "just now" : `${Math.floor(seconds / length)} ${unit} ago`;
  }
}

// Replaces the live parts of this page by what the server shows now.
async function refresh() {
  const response = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!response.ok) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  const parts = (page) => [...page.querySelectorAll("[data-live]")];
  if (parts(fresh).map((part) => part.id).join() !== parts(document).map((part) => part.id).join()) {
    location.reload(); // a part appeared, for example the first images
    return;
  }
  for (const part of parts(fresh)) {
    const old = document.getElementById(part.id);
    const version = part.dataset.version;
    const same = version ? version === old.dataset.version : part.innerHTML === old.innerHTML;
    if (!same && !old.contains(document.activeElement)) old.replaceWith(document.adoptNode(part));
  }
  refreshTimes();
  browse();
}

function follow() {
  const lamp = document.getElementById("live");
  if (!document.querySelector("[data-live]") || !window.EventSource) return;
  const page = location.pathname.split("/")[2]; // the case of a case page
  const source = new EventSource("/api/v1/events");
  let timer = 0;
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, REFRESH_MS);
  };
  let first = true;
  source.addEventListener("ready", () => {
    lamp.hidden = false;
    lamp.classList.remove("lost");
    lamp.textContent = "live";
    if (!first) later(); // something may have happened meanwhile
    first = false;
  });
  source.addEventListener("case", (event) => {
    if (!page || JSON.parse(event.data).case_id === page) later();
  });
  source.addEventListener("error", () => {
    lamp.classList.add("lost");
    lamp.textContent = "reconnecting";
  });
}

// The slider, the arrow keys and the wheel move through the slices.
function browse() {
  const form = document.getElementById("slices");
  const panels = document.getElementById("panels");
  if (!form || form.dataset.ready) return;
  form.dataset.ready = "yes";
  const range = form.elements.namedItem("slice");
  const root = `/api/v1/cases/${panels.dataset.case}`;

  // One picture at a time for each panel: while it loads, only the latest wish is remembered.
  const show = (image, address) => {
    if (image.dataset.busy) {
      image.dataset.next = address;
      return;
    }
    image.dataset.busy = "yes";
    const done = () => {
      delete image.dataset.busy;
      const next = image.dataset.next;
      delete image.dataset.next;
      if (next) show(image, next);
    };
    image.addEventListener("load", done, { once: true });
    image.addEventListener("error", done, { once: true });
    image.src = address;
  };
  const update = () => {
    const index = range.value;
    const zoom = form.elements.namedItem("zoom").checked;
    const outlines = !form.elements.namedItem("plain").checked;
    form.querySelector("output").textContent = `${Number(index) + 1} / ${Number(range.max) + 1}`;
    for (const image of panels.querySelectorAll(".layer")) {
      const query = `outlines=${outlines}&zoom=${zoom}&v=${panels.dataset.version}`;
      show(image, `${root}/slices/${image.dataset.layer}/${index}.png?${query}`);
    }
    const projection = panels.querySelector(".projection");
    if (projection) show(projection, `${root}/projection.png?index=${index}&v=${panels.dataset.version}`);
  };
  const step = (by) => {
    range.value = Number(range.value) + by;
    update();
  };

  range.addEventListener("input", update);
  for (const box of form.querySelectorAll("input[type=checkbox]")) box.addEventListener("change", update);
  for (const link of form.querySelectorAll("[data-step]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      step(Number(link.dataset.step));
    });
  }
  panels.addEventListener("wheel", (event) => {
    event.preventDefault();
    step(event.deltaY > 0 ? -1 : 1);
  }, { passive: false });
}

refreshTimes();
setInterval(refreshTimes, AGO_MS);
browse();
follow();
