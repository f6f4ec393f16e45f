// The start page: asks each service how it is, and fills in this site's own address.

const PATIENCE = 10_000

for (const tile of document.querySelectorAll('[data-service]')) ask(tile)

async function ask(tile) {
  const badge = tile.querySelector('.badge')
  const say = (word, kind, more) => {
    badge.textContent = word
    badge.classList.add(kind)
    tile.querySelector('small').textContent = more
  }
  try {
    const answer = await fetch(`/health/${tile.dataset.service}`, { signal: AbortSignal.timeout(PATIENCE) })
    const health = await answer.json()
    if (!answer.ok) return say('Not well', 'bad', health.detail ?? `It answers ${answer.status}.`)
    say('Well', 'good', `Version ${health.version}, revision ${health.revision}`)
  } catch {
    say('No answer', 'bad', 'Try again in a minute, then tell whoever runs it.')
  }
}

document.getElementById('origin').textContent = location.origin

const copy = document.getElementById('copy')
copy.hidden = !navigator.clipboard
copy.addEventListener('click', async () => {
  await navigator.clipboard.writeText(document.getElementById('commands').textContent)
  copy.textContent = 'Copied'
  setTimeout(() => { copy.textContent = 'Copy' }, 2_000)
})
