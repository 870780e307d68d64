// A certified OpenID provider on loopback: node oidc_provider.mjs HOME PORT CALLBACK. Whoever signs in as NAME is
// NAME@riverton.example; "unchecked…" has no verified address, "lead…" is in the group desk-leads.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [home, port, callback] = process.argv.slice(2);
const { default: Provider } = await import(pathToFileURL(createRequire(`${home}/`).resolve("oidc-provider")));
const claims = (name) => ({
  sub: `id-${name}`, name: `${name} of Riverton`, email: `${name}@riverton.example`,
  email_verified: !name.startsWith("unchecked"), groups: name.startsWith("lead") ? ["desk-leads"] : ["others"],
});
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: "liaison", client_secret: "known to two", redirect_uris: [callback], grant_types: ["authorization_code"] }],
  claims: { openid: ["sub"], email: ["email", "email_verified", "groups"], profile: ["name"] },
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  findAccount: (_, name) => ({ accountId: name, claims: () => claims(name) }),
  cookies: { keys: ["loopback"] },
});
provider.listen(Number(port), "127.0.0.1", () => console.log(`ready ${port}`));
