// server.js — the routes of bench/plugins on Fastify, as its documentation advises: schemas for the body and for the answer, no logger.
'use strict'

const fastify = require('fastify')({ logger: false, keepAliveTimeout: 120000 })
const { Pool } = require('pg')

const name = { type: 'string', minLength: 1, maxLength: 50 }
let lastId = 0

fastify.post('/users', {
  schema: {
    body: {
      type: 'object',
      required: ['email', 'first_name', 'last_name', 'password'],
      properties: {
        email: { type: 'string', format: 'email' },
        first_name: name,
        last_name: name,
        password: { type: 'string', minLength: 8, maxLength: 128 }
      }
    },
    response: {
      201: {
        type: 'object',
        properties: { id: { type: 'integer' }, email: { type: 'string' }, first_name: { type: 'string' }, last_name: { type: 'string' } }
      }
    }
  }
}, (request, reply) => {
  const { email, first_name, last_name } = request.body
  reply.code(201).send({ id: ++lastId, email, first_name, last_name })
})

// DATABASE is a folder of a unix socket; a pool of pg's default size, and a named statement, so that it is prepared once a connection
const pool = new Pool({ host: process.env.DATABASE_HOST, user: process.env.DATABASE_USER, database: process.env.DATABASE_NAME, max: 10 })

const world = { type: 'object', properties: { id: { type: 'integer' }, randomNumber: { type: 'integer' } } }
const worlds = { schema: { response: { 200: { type: 'array', items: world } } } }
const randomId = () => 1 + Math.floor(Math.random() * 10000)
const countOf = (n) => Math.min(Math.max(parseInt(n, 10) || 1, 1), 500)
const columns = 'SELECT id, randomnumber AS "randomNumber" FROM world'

async function oneWorld () {
  const { rows } = await pool.query({ name: 'world', text: `${columns} WHERE id = $1`, values: [randomId()] })
  return rows[0]
}

const someWorlds = (n) => Promise.all(Array.from({ length: countOf(n) }, oneWorld))

fastify.get('/db', { schema: { response: { 200: world } } }, oneWorld)

fastify.get('/queries', worlds, (request) => someWorlds(request.query.n))

// in one statement, in the order of their ids, so that two requests never wait for each other in a circle
fastify.get('/updates', worlds, async (request) => {
  const changed = (await someWorlds(request.query.n)).sort((a, b) => a.id - b.id)
  for (const row of changed) row.randomNumber = randomId()
  await pool.query({
    name: 'update',
    text: 'UPDATE world SET randomnumber = c.r FROM (SELECT id, max(r) AS r FROM unnest($1::int[], $2::int[]) AS v(id, r) GROUP BY id ' +
      'ORDER BY id) c WHERE world.id = c.id',
    values: [changed.map((row) => row.id), changed.map((row) => row.randomNumber)]
  })
  return changed
})

const escapes = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const escape = (text) => text.replace(/[&<>"']/g, (character) => escapes[character])

fastify.get('/fortunes', async (request, reply) => {
  const { rows } = await pool.query({ name: 'fortunes', text: 'SELECT id, message FROM fortune' })
  rows.push({ id: 0, message: 'Additional fortune added at request time.' })
  rows.sort((a, b) => (a.message < b.message ? -1 : 1))
  let page = '<!DOCTYPE html><html><head><title>Fortunes</title></head><body><table><tr><th>id</th><th>message</th></tr>'
  for (const { id, message } of rows) page += `<tr><td>${id}</td><td>${escape(message)}</td></tr>`
  reply.type('text/html; charset=utf-8')
  return page + '</table></body></html>'
})

let cache
fastify.get('/cached-queries', worlds, async (request) => {
  cache ??= (await pool.query(`${columns} ORDER BY id`)).rows
  return Array.from({ length: countOf(request.query.n) }, () => cache[randomId() - 1])
})

fastify.get('/plaintext', (request, reply) => {
  reply.type('text/plain').send('Hello, World!')
})

fastify.get('/json', {
  schema: { response: { 200: { type: 'object', properties: { message: { type: 'string' } } } } }
}, async () => ({ message: 'Hello, World!' }))

fastify.listen({ host: '127.0.0.1', port: Number(process.env.PORT || 0), backlog: 4096 })
  .then((address) => console.log(`serving ${address}`))
process.on('SIGTERM', () => process.exit(0))
