// The sign-in page: a form and the providers' buttons, or who is signed in and where.

import { Refused, accessToken, call, providers, signIn, signOut } from './session.js'
import { ago, device, hasSign, inWords, providerName } from './words.js'

const PAGE = '/signin'
const $ = (id) => document.getElementById(id)
const PARTS = ['waiting', 'signin', 'account']

/** Shows one part of the page, with a word about what happened before. */
function show(part, { notice = '', good = false, focus } = {}) {
  for (const other of PARTS) $(other).hidden = other !== part
  $('here').textContent = part === 'account' ? 'Account' : 'Sign in'
  document.title = `${$('here').textContent} – CRM`
  const box = $(`${part}-notice`)
  if (!box) return
  box.hidden = !notice
  box.classList.toggle('good', good)
  box.setAttribute('role', good ? 'status' : 'alert')
  box.textContent = notice
  const next = notice ? box : focus
  next?.focus()
}

/** A new element with properties and children. */
function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties)
  element.append(...children)
  return element
}

function sign(name) {
  return hasSign(name) ? [make('img', { src: `/assets/${name}.svg`, alt: '', width: 20, height: 20 })] : []
}

/** Runs what a button does, once at a time. */
async function busy(button, does) {
  button.disabled = true
  try {
    await does()
  } finally {
    button.disabled = false
  }
}

// What a provider's way back says, read once and taken out of the address. Anybody can make such an address: nothing of
// it is shown but what the product says itself.
const said = new URLSearchParams(location.search)
history.replaceState(null, '', PAGE)
const linked = said.get('linked')
const arrival = said.has('error')
  ? { notice: inWords({ code: /^[a-z_]{1,40}$/.test(said.get('error')) ? said.get('error') : 'unknown' }) }
  : hasSign(linked) ? { notice: `${providerName(linked)} is linked. You can sign in with it from now on.`, good: true } : {}

async function start(with_ = {}) {
  const slow = setTimeout(() => show('waiting'), 300)
  try {
    const token = await accessToken()
    clearTimeout(slow)
    await (token ? showAccount(with_) : showForm(with_))
  } catch (error) {
    clearTimeout(slow)
    await showForm({ notice: inWords(error) })
  }
}

// Nobody is signed in.

async function showForm(with_ = {}) {
  show('signin', { focus: $('email'), ...with_ })
  const names = await providers().catch(() => [])
  $('providers').replaceChildren(...names.map((name) => make(
    'a',
    { className: 'button', href: `/login/${name}?return_to=${PAGE}` },
    ...sign(name), `Continue with ${providerName(name)}`,
  )))
  $('providers').hidden = $('or').hidden = names.length === 0
}

$('form').addEventListener('submit', (event) => {
  event.preventDefault()
  const [email, password] = [$('email'), $('password')]
  const missing = [email, password].filter((field) => !field.value.trim())
  for (const field of [email, password]) field.setAttribute('aria-invalid', missing.includes(field))
  if (missing.length) {
    show('signin', { notice: 'Please enter your e-mail address and your password.' })
    return missing[0].focus()
  }
  busy($('submit'), async () => {
    try {
      await signIn(email.value, password.value)
      password.value = ''
      await showAccount({ focus: $('name') })
    } catch (error) {
      show('signin', { notice: inWords(error) })
      if (error.code === 'invalid_credentials') password.select()
    }
  })
})

$('reveal').addEventListener('click', () => {
  const hidden = $('password').type === 'password'
  $('password').type = hidden ? 'text' : 'password'
  $('reveal').textContent = hidden ? 'Hide' : 'Show'
  $('reveal').setAttribute('aria-pressed', hidden)
})

// Somebody is.

async function showAccount(with_ = {}) {
  const [me, sessions, offered] = await Promise.all([
    call('GET', '/me'), call('GET', '/me/sessions'), providers().catch(() => []),
  ])
  const name = me.name ?? me.email
  $('face').textContent = [...name][0].toUpperCase()
  $('name').textContent = name
  const role = me.role === 'admin' ? 'Administrator' : 'User'
  $('about').textContent = me.name ? `${me.email} · ${role}` : role
  const names = [...new Set([...offered, ...me.providers])]
  $('linking').hidden = names.length === 0
  $('links').replaceChildren(...names.map((provider) => link(provider, me.providers.includes(provider))))
  $('sessions').replaceChildren(...sessions.data.map(session))
  show('account', with_)
}

function link(name, isLinked) {
  const button = make('button', { type: 'button', className: 'button small' }, isLinked ? 'Unlink' : 'Link')
  button.setAttribute('aria-label', `${button.textContent} ${providerName(name)}`)
  button.addEventListener('click', () => busy(button, () => account(async () => {
    if (!isLinked) {
      const { uri } = await call('POST', `/me/identities/${name}?return_to=${PAGE}`)
      return location.assign(uri)
    }
    await call('DELETE', `/me/identities/${name}`)
    await showAccount({ notice: `${providerName(name)} is not linked any more.`, good: true })
  })))
  const state = isLinked ? 'Linked: you can sign in with it' : 'Not linked'
  return make('li', {}, ...sign(name), make('div', {}, make('strong', {}, providerName(name)), make('p', { className: 'quiet' }, state)), button)
}

function session({ id, current, client_address, user_agent, created_at, refreshed_at }) {
  const title = device(user_agent)
  const where = client_address ? ` from ${client_address}` : ''
  const about = `Signed in ${ago(created_at)}${where}, last used ${ago(refreshed_at)}`
  const text = make('div', { title: user_agent ?? '' }, make('strong', {}, title), make('p', { className: 'quiet' }, about))
  if (current) return make('li', {}, text, make('span', { className: 'badge plain' }, 'This one'))
  const button = make('button', { type: 'button', className: 'button small' }, 'End')
  button.setAttribute('aria-label', `End the session of ${title}`)
  button.addEventListener('click', () => busy(button, () => account(async () => {
    await call('DELETE', `/me/sessions/${id}`)
    await showAccount({ notice: `The session of ${title} has ended.`, good: true })
  })))
  return make('li', {}, text, button)
}

$('change-form').addEventListener('submit', (event) => {
  event.preventDefault()
  const [current, fresh] = [$('current'), $('new')]
  busy($('change-submit'), () => account(async () => {
    await call('PUT', '/me/password', { current_password: current.value, new_password: fresh.value })
    current.value = fresh.value = ''
    $('change').open = false
    await showAccount({ notice: 'Your password is changed, and every other session has ended.', good: true })
  }))
})

/** Does something as whoever is signed in, and says what went wrong. */
async function account(does) {
  try {
    await does()
  } catch (error) {
    if (error instanceof Refused && error.status === 401) return showForm({ notice: inWords(error) })
    show('account', { notice: inWords(error) })
  }
}

$('signout').addEventListener('click', () => busy($('signout'), () => account(async () => {
  await signOut()
  await showForm({ notice: 'You are signed out.', good: true })
})))

// Another tab may have signed in or out meanwhile, or the page comes out of the browser's memory.
window.addEventListener('pageshow', (event) => event.persisted && start())

start(arrival)
