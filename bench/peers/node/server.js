// server.js — two constants on node:http, one process, connections kept.
'use strict'

const http = require('node:http')
const text = Buffer.from('Hello, World!')

const server = http.createServer((request, response) => {
  if (request.url === '/json') {
    const body = JSON.stringify({ message: 'Hello, World!' })
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': body.length }).end(body)
  } else {
    response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': text.length }).end(text)
  }
})
server.keepAliveTimeout = 120000
server.listen({ host: '127.0.0.1', port: Number(process.env.PORT), backlog: 4096 })
process.on('SIGTERM', () => process.exit(0))
