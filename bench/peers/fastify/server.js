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

fastify.get('/db', {
  schema: { response: { 200: { type: 'object', properties: { id: { type: 'integer' }, randomNumber: { type: 'integer' } } } } }
}, async () => {
  const id = 1 + Math.floor(Math.random() * 10000)
  const { rows } = await pool.query({ name: 'world', text: 'SELECT id, randomnumber AS "randomNumber" FROM world WHERE id = $1', values: [id] })
  return rows[0]
})

fastify.get('/plaintext', (request, reply) => {
  reply.type('text/plain').send('Hello, World!')
})

fastify.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }).then((address) => console.log(`serving ${address}`))
process.on('SIGTERM', () => process.exit(0))
