// A person begins in two tabs, ends them in the other order, and is signed in by both.

import assert from 'node:assert/strict'
import { ORIGIN, assertSignedIn, click, cookies, person, signInAtProvider } from './browser.mjs'

await person('tabs', async ({ page, context, picture }) => {
  const second = await context.newPage()
  await click(page, '/login/google?return_to=/')
  await page.getByPlaceholder('Enter any login').waitFor()
  await click(second, '/login/google?return_to=/')
  await second.getByPlaceholder('Enter any login').waitFor()
  assert.equal(Object.keys(await cookies(context)).length, 2, 'a cookie for each')

  await signInAtProvider(second, 'ada', picture)
  await second.waitForURL(`${ORIGIN}/`)
  await signInAtProvider(page, 'ada', picture, { asked: false })
  await page.waitForURL(`${ORIGIN}/`)
  await picture('back')
  await assertSignedIn(context, page, 'ada@example.com')
})
