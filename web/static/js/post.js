// A post that was just stored needs no copy in this browser any more.

const said = new URLSearchParams(location.search).get("said");
const post = location.pathname.split("/").at(-1);
if (said) {
  try {
    for (const key of Object.keys(localStorage)) {
      if (/^liaison-draft-\d+-/.test(key) && (key.endsWith(`-${post}`) || key.endsWith("-new"))) localStorage.removeItem(key);
    }
  } catch {
    // a closed store holds no copy either
  }
}
