// A person signs in through the OpenID provider, goes away, and comes back.

import assert from 'node:assert/strict'
import { ORIGIN, assertSignedIn, click, cookies, person, signInAtProvider, whoAmI } from './browser.mjs'

await person('google', async ({ page, context, picture }) => {
  await click(page, '/login/google?return_to=/')
  await page.getByPlaceholder('Enter any login').waitFor()
  assert.equal(new URL(page.url()).hostname, '127.0.0.1', 'at the provider, another site')

  const flow = Object.values(await cookies(context))
  assert.equal(flow.length, 1)
  const { name, path, domain, secure, httpOnly, sameSite } = flow[0]
  assert.match(name, /^__Host-/)
  assert.deepEqual(
    { path, domain, secure, httpOnly, sameSite },
    { path: '/', domain: 'localhost', secure: true, httpOnly: true, sameSite: 'Lax' },
  )

  await signInAtProvider(page, 'ada', picture)
  await page.waitForURL(`${ORIGIN}/`)
  await picture('back')
  const me = await assertSignedIn(context, page, 'ada@example.com')
  assert.deepEqual(me.providers, ['google'])

  // Another site's page gets nothing out of the cookie, and does no harm with it.
  const elsewhere = await context.newPage()
  await elsewhere.goto(`${process.env.PROVIDER}/.well-known/openid-configuration`)
  const stolen = await elsewhere.evaluate(async (token) => {
    const read = await fetch(token, { method: 'POST', credentials: 'include' }).then((answer) => answer.status, () => 'blocked')
    await fetch(token, { method: 'POST', credentials: 'include', mode: 'no-cors' }).catch(() => {})
    return read
  }, `${ORIGIN}/token`)
  assert.equal(stolen, 'blocked')
  await elsewhere.close()
  assert.equal((await whoAmI(page)).email, 'ada@example.com')

  // Signing out takes the cookie away.
  const { access_token } = await whoAmI(page)
  const status = await page.evaluate(async (token) => {
    const answer = await fetch('/logout', { method: 'POST', headers: { authorization: `Bearer ${token}` } })
    return answer.status
  }, access_token)
  assert.equal(status, 204)
  assert.deepEqual(await cookies(context), {})
  await picture('signed-out')
})
