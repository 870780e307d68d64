// What mail clients do not support in the HTML on stdin, by caniemail.com's data: {"feature": ["client", …]} on stdout.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const found = createRequire(`${process.argv[2]}/`).resolve("caniemail");
const { caniemail } = await import(pathToFileURL(found));
const clients = ["gmail.*", "outlook.*", "apple-mail.*", "yahoo.*", "samsung-email.*"];
const told = caniemail({ clients, html: readFileSync(0, "utf8") });
const missing = {};
for (const [client, issues] of told.issues.errors)
  for (const issue of issues) (missing[issue.title] ??= []).includes(client) || missing[issue.title].push(client);
process.stdout.write(JSON.stringify(missing));
