// What a person sees who may not come in: their page again, with the reason's code in its address, and no cookie.

import assert from 'node:assert/strict'
import { ORIGIN, click, cookies, person, signInAtProvider } from './browser.mjs'

async function assertRefused(page, context, picture, code) {
  await page.waitForURL(`${ORIGIN}/?error=${code}`)
  await picture('refused')
  assert.deepEqual(await cookies(context), {})
}

for (const [login, code] of [['stranger', 'not_registered'], ['mallory', 'email_not_verified']]) {
  await person(login, async ({ page, context, picture }) => {
    await click(page, '/login/google?return_to=/')
    await signInAtProvider(page, login, picture)
    await assertRefused(page, context, picture, code)
  })
}

await person('cancel', async ({ page, context, picture }) => {
  await click(page, '/login/google?return_to=/')
  await page.getByText('[ Cancel ]').click()
  await assertRefused(page, context, picture, 'provider_denied')
  // The way back, taken once more: there is no flow left.
  await page.goto(`${ORIGIN}/login/google/callback?code=1&state=2`)
  await picture('once-more')
  assert.match(await page.innerText('body'), /invalid_state/)
})
