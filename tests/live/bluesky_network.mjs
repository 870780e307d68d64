// A real AT Protocol network on loopback: PLC + PDS + AppView (mentions, search) of the npm package @atproto/dev-env.
// Ports and neighbours come by environment; it says one line of JSON when it is ready, and ends on SIGTERM.
import net from 'node:net'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

// dev-env's servers bind every interface; here they stay on loopback
const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (first, ...rest) {
  const done = rest.find((one) => typeof one === 'function')
  if (first && typeof first === 'object' && 'port' in first) return listen.call(this, { ...first, host: '127.0.0.1' }, done)
  if (/^\d+$/.test(String(first))) return listen.call(this, { port: Number(first), host: '127.0.0.1' }, done)
  return listen.call(this, first, ...rest)
}

const { NODE_PACKAGES, PLC_PORT, PDS_PORT, APPVIEW_PORT, OZONE_PORT, DB_POSTGRES_URL } = process.env
const installed = createRequire(pathToFileURL(`${NODE_PACKAGES}/package.json`))
const { TestNetwork } = await import(pathToFileURL(installed.resolve('@atproto/dev-env')))
// sessions come with the DID document, as they do on bsky.social
const network = await TestNetwork.create({
  plc: { port: Number(PLC_PORT) },
  pds: { port: Number(PDS_PORT), hostname: 'localhost', enableDidDocWithSession: true },
  bsky: { port: Number(APPVIEW_PORT) },
  ozone: { port: Number(OZONE_PORT) },
  dbPostgresUrl: DB_POSTGRES_URL,
  dbPostgresSchema: 'live',
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => network.close().finally(() => process.exit(0)))
console.log(JSON.stringify({ ready: true, pds: network.pds.url, plc: network.plc.url, appview: network.bsky.url }))
