// An OpenID provider: oidc-provider, a certified implementation, with people, a login page and one client.
//
// It says where it listens, then reads one line: the client's exact redirect URI. Nothing else is registered.

import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'

const tools = createRequire(`${process.env.BROWSER_TOOLS}/package.json`)
const { default: Provider } = await import(tools.resolve('oidc-provider'))

const PEOPLE = {
  ada: { email: 'ada@example.com', email_verified: true, name: 'Ada Lovelace' },
  mallory: { email: 'ada@example.com', email_verified: false, name: 'Mallory' },
  stranger: { email: 'stranger@example.com', email_verified: true, name: 'A Stranger' },
}

let answer = (_, response) => response.writeHead(503).end()
const server = createServer((request, response) => answer(request, response))
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`
  console.log(`listening ${issuer}`)
  createInterface({ input: process.stdin }).once('line', (redirectUri) => {
    answer = provider(issuer, redirectUri).callback()
    console.log('registered')
  })
})

function provider(issuer, redirectUri) {
  const provider = new Provider(issuer, {
    clients: [{
      client_id: process.env.CLIENT_ID,
      client_secret: process.env.CLIENT_SECRET,
      redirect_uris: [redirectUri],
      response_types: ['code'],
      grant_types: ['authorization_code'],
    }],
    pkce: { methods: ['S256'], required: () => true },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    // As Google does: the ID token itself says who it is.
    conformIdTokenClaims: false,
    cookies: { keys: ['for these tests alone'] },
    findAccount: (_, sub) => PEOPLE[sub] && { accountId: sub, claims: () => ({ sub, ...PEOPLE[sub] }) },
    renderError: (context, out) => {
      console.log(`refused ${out.error}: ${out.error_description}`)
      context.type = 'text'
      context.body = `The provider refuses: ${out.error}: ${out.error_description}`
    },
  })
  provider.on('grant.error', (context, error) => console.log(`refused at the token endpoint: ${error.error_detail ?? error.message}`))
  return provider
}
