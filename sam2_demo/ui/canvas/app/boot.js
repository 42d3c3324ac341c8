// Runs once per component. Events: "prompt", "command", "preview", "alternatives", "track", "make_video", "make_masks", "find_everything", "reference", "stop", "load_model".
const served = window.gradio_config || {};
const base = (served.root || window.location.origin + window.location.pathname).replace(/\/+$/, "");
import(`${base}/sam2/static/VERSION/MODULE`).then(
  (module) => module.mount(element.querySelector(".sam-root"), { trigger, watch, props }),
  (error) => {
    element.textContent = `The page could not be loaded completely: ${error.message}. Reload it.`;
  },
);
