import { Markup } from '../figures/markup.ts'

/**
 * What the page can do beyond being read: another theme, and the messages beyond the first ones, whose
 * records lie packed in the page. Text is set as text, never as markup.
 */
export const pageScript: Markup = new Markup(`'use strict'
{
const byId = (id) => document.getElementById(id)
const root = document.documentElement
const theme = byId('theme')
theme.hidden = false
theme.addEventListener('click', () => {
  const isDark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches
  root.dataset.theme = isDark ? 'light' : 'dark'
})
const data = JSON.parse(byId('data').textContent)
const list = byId('messages'), more = byId('more'), find = byId('find'), found = byId('found')
const plain = Array.from(list.children)
const make = (name, text, className) => {
  const one = document.createElement(name)
  if (text !== undefined) one.textContent = text
  if (className) one.className = className
  return one
}
const clock = (ms) => {
  const whole = Math.round(Math.abs(ms)), pad = (value, digits) => String(value).padStart(digits, '0')
  return (ms < 0 ? '-' : '') + pad(Math.floor(whole / 60000), 2) + ':' + pad(Math.floor(whole / 1000) % 60, 2) + '.' + pad(whole % 1000, 3)
}
const detailsOf = ([id, key, fates, lines]) => {
  const details = make('details', undefined, 'message')
  details.id = id
  const summary = make('summary')
  summary.append(make('span', id, 'id'), ' ' + key + ' ' + fates)
  details.append(summary)
  details.addEventListener('toggle', () => {
    if (details.children.length > 1) return
    const table = make('table')
    for (const [ms, who, what, detail] of lines) {
      const row = make('tr')
      row.append(make('td', clock(ms)), make('td', data.words[who]), make('td', data.words[what]), make('td', data.words[detail] || ''))
      table.append(row)
    }
    const scroll = make('div', undefined, 'scroll')
    scroll.append(table)
    details.append(scroll)
  })
  return details
}
let wanted = data.messages, next = 0
const showMore = (count) => {
  for (const one of wanted.slice(next, next + count)) list.append(detailsOf(one))
  next = Math.min(wanted.length, next + count)
  more.hidden = next >= wanted.length
  more.textContent = 'Show ' + Math.min(100, wanted.length - next) + ' more of ' + (wanted.length - next).toLocaleString('en')
}
const search = () => {
  const text = find.value.trim().toLowerCase()
  const has = (words) => words.toLowerCase().includes(text)
  const first = plain.filter((one) => has(one.querySelector('summary').textContent))
  wanted = data.messages.filter(([id, key, fates]) => has(id + ' ' + key + ' ' + fates))
  next = 0
  list.replaceChildren(...first)
  found.textContent = text === '' ? '' : (first.length + wanted.length).toLocaleString('en') + ' found'
  showMore(text === '' ? 0 : 100)
}
if (data.messages.length > 0) {
  byId('tools').hidden = false
  find.addEventListener('input', search)
  more.addEventListener('click', () => showMore(100))
  search()
}
const openNamed = () => {
  const id = decodeURIComponent(location.hash.slice(1))
  if (id === '') return
  if (!byId(id) && data.messages.some(([one]) => one === id)) {
    find.value = id
    search()
  }
  const named = byId(id)
  if (named && named.tagName === 'DETAILS') {
    named.open = true
    named.scrollIntoView()
  }
}
addEventListener('hashchange', openNamed)
openNamed()
}`)
