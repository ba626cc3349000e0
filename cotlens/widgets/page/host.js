/**
 * Stands in for the notebook on a page that was written to a file: gives the view its traits, and plays back what was
 * recorded. There is no kernel: a message that was not recorded is refused in words.
 */
(async () => {
  const packed = Uint8Array.from(atob(document.getElementById("data").textContent), (each) => each.charCodeAt(0));
  const plain = new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  const revive = (_, value) => (value !== null && typeof value === "object" && typeof value.$bytes === "string" && Object.keys(value).length === 1
    ? new DataView(Uint8Array.from(atob(value.$bytes), (each) => each.charCodeAt(0)).buffer) : value);
  const data = JSON.parse(await plain, revive);
  const answered = data.refusal !== "";
  const traits = { ...data.traits, ...data.states[0].traits, layout: { comm_live: answered } };
  const listeners = new Map();
  let now = 0;

  const tell = (event, ...values) => { for (const each of [...(listeners.get(event) ?? [])]) each(...values); };
  const change = (patch) => {
    Object.assign(traits, patch);
    for (const name of Object.keys(patch)) tell(`change:${name}`, undefined, traits[name]);
  };

  const fits = (message, wanted) => Object.entries(wanted).every(([name, value]) => (message[name] ?? value) === value);
  function reply(message) {
    const [fields, table] = data.answers[message.kind] ?? [[], {}];
    const known = table[fields.map((name) => message[name]).join("/")];
    if (known !== undefined) return { status: "ok", ...known };
    const step = data.states[now].steps.find(([wanted]) => message.kind === wanted.kind && fits(message, wanted));
    if (step === undefined) return { status: "error", error: { message: data.refusal, remedy: null } };
    now = step[1];
    change(data.states[now].traits);
    return { status: "ok" };
  }

  const model = {
    get: (name) => traits[name],
    set(name, value) { change(typeof name === "string" ? { [name]: value } : name); },
    save_changes() {},
    on(event, callback) { listeners.set(event, (listeners.get(event) ?? new Set()).add(callback)); },
    off(event, callback) { listeners.get(event)?.delete(callback); },
    send(message) {
      if (answered) queueMicrotask(() => tell("msg:custom", { request_id: message.request_id, kind: "reply", ...reply(message) }));
    },
  };

  const dark = matchMedia("(prefers-color-scheme: dark)");
  const dress = () => { document.body.dataset.theme = dark.matches ? "dark" : "light"; };
  dark.addEventListener("change", dress);
  dress();

  const url = URL.createObjectURL(new Blob([data.script], { type: "text/javascript" }));
  const made = (await import(url)).default;
  const view = typeof made === "function" ? await made() : made;
  const { signal } = new AbortController();
  const el = document.getElementById("view");
  el.append(Object.assign(document.createElement("style"), { textContent: data.style }));
  await view.initialize?.({ model, signal });
  await view.render({ model, el, signal });
  document.body.dataset.drawn = "";
})();
