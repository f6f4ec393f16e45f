// A person links Facebook while signed in with a password, signs out, and signs in through Facebook, which appends
// `#_=_` to the address.

import assert from 'node:assert/strict'
import { ORIGIN, assertSignedIn, click, person } from './browser.mjs'

async function agree(page, picture) {
  await page.getByLabel('Email').fill('ada@example.com')
  await page.getByLabel('Password').fill('facebook password')
  await picture('login')
  await page.getByRole('button', { name: 'Continue as Ada' }).click()
  await page.waitForURL((url) => url.origin === ORIGIN && url.pathname === '/')
}

await person('facebook', async ({ page, context, picture }) => {
  await page.goto(`${ORIGIN}/.well-known/jwks.json`)
  const uri = await page.evaluate(async (password) => {
    const post = (path, body, token) => fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...token && { authorization: `Bearer ${token}` } },
      body,
    }).then((answer) => answer.json())
    const { access_token } = await post('/login', JSON.stringify({ email: 'ada@example.com', password }))
    const { uri } = await post('/me/identities/facebook?return_to=/', null, access_token)
    return uri
  }, process.env.PASSWORD)
  await page.goto(uri)
  await agree(page, picture)
  assert.equal(new URL(page.url()).search, '?linked=facebook')
  await picture('linked')

  await click(page, '/login/facebook?return_to=/')
  await agree(page, picture)
  await picture('back')
  assert.equal(await page.getByText('Customers, their photos, and every change').count(), 1)
  const { search, hash } = new URL(page.url())
  assert.deepEqual({ search, hash }, { search: '', hash: '' }, 'no code, no state, no tail stays in the address')
  const me = await assertSignedIn(context, page, 'ada@example.com')
  assert.deepEqual(me.providers, ['facebook'])
})
