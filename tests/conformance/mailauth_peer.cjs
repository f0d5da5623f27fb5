// SPDX-License-Identifier: Apache-2.0
// npm mailauth as a peer: node mailauth_peer.cjs NODE_MODULES.  A JSON object a line on stdin, {"zone":NAME:{TYPE:[...],"alias":NAME,"else":WORD}} sets what
// DNS says, {"message":BASE64,"ip","helo","sender"} asks for a verdict by its strict mode; one line of JSON for each verdict on stdout.
'use strict'
const readline = require('node:readline'), path = require('node:path'), Module = require('node:module')

// Its HTTP client is for BIMI logos only, and wants a newer node than Debian's: nothing is fetched here.
const load = Module._load
Module._load = (name, ...rest) => (name === 'undici' ? { Agent: class {} } : load(name, ...rest))
const { authenticate } = require(path.resolve(process.argv[2], 'mailauth/lib/mailauth'))

let zone = {}
function fail(code) {
  const e = new Error(code)
  e.code = code
  throw e
}
async function resolver(name, type) {
  let at = name.toLowerCase().replace(/\.$/, ''), node
  for (let links = 0; ; links++) {
    node = zone[at]
    if (!node) fail('ENOTFOUND')
    if (!node.alias || node[type]) break
    if (links === 10) fail('ESERVFAIL')
    at = node.alias
  }
  if (!node[type]) fail({ NODATA: 'ENODATA', NXDOMAIN: 'ENOTFOUND' }[node.else || 'NODATA'] || 'ESERVFAIL')
  if (type === 'TXT') return node[type].map(text => [text])
  if (type === 'MX') return node[type].map(([priority, exchange]) => ({ priority, exchange }))
  return node[type]
}

async function judge(c) {
  const r = await authenticate(Buffer.from(c.message, 'base64'), {
    ip: c.ip, helo: c.helo, sender: c.sender, mta: 'mx.judge.test', resolver, strict: true, disableBimi: true })
  return {
    spf: r.spf ? r.spf.status.result : 'none',
    dkim: (r.dkim.results || []).map(one => one.status.result),
    why: (r.dkim.results || []).map(one => one.status.comment || ''),
    arc: r.arc ? r.arc.status.result : 'none',
    dmarc: r.dmarc ? r.dmarc.status.result : 'none',
    policy: (r.dmarc && r.dmarc.status.policy && r.dmarc.status.policy.dmarc) || '',
    org: (r.dmarc && r.dmarc.domain) || ''
  }
}

;(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const c = JSON.parse(line)
    if (c.zone) zone = c.zone
    else console.log(JSON.stringify(await judge(c).catch(e => ({ error: e.message }))))
  }
})()
