import { apiPrefix, ErrorAnswer, type Operation } from '@holdfast/protocol'
import { z } from 'zod'

type Schema = Record<string, unknown>

/** The OpenAPI 3.1 document of the REST interface, made from the same operations that the routes are made from. */
export function openApiDocument(operations: readonly Operation[], info: { version: string; url: string }): Schema {
  const paths: Record<string, Record<string, Schema>> = {}
  for (const operation of operations) {
    const path = operation.path.replace('*}', '}')
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: describe(operation) }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Holdfast', version: info.version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: `${info.url}${apiPrefix}` }],
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer' },
        session: { type: 'apiKey', in: 'cookie', name: 'holdfast_session' },
      },
      schemas: { Error: jsonSchema(ErrorAnswer, 'output') },
    },
  }
}

function describe(operation: Operation): Schema {
  const tag = operation.id.split('.')[0] ?? ''
  const signedIn = operation.requires !== 'public'
  return {
    operationId: operation.id,
    summary: operation.summary,
    tags: [tag],
    'x-requires': operation.requires,
    ...(signedIn ? { security: [{ token: [] }, { session: [] }] } : {}),
    parameters: [...parameters(operation.params, 'path'), ...parameters(operation.query, 'query')],
    ...(operation.body === undefined ? {} : { requestBody: { required: true, content: bodyContent(operation.body) } }),
    responses: {
      [operation.status ?? (operation.answer === 'nothing' ? 204 : 200)]: answerContent(operation.answer),
      default: {
        description: 'A refusal',
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
      },
    },
  }
}

function parameters(shape: z.ZodObject | undefined, place: 'path' | 'query'): Schema[] {
  if (shape === undefined) return []
  const { properties = {}, required = [] } = jsonSchema(shape, 'input') as {
    properties?: Record<string, Schema>
    required?: string[]
  }
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema,
  }))
}

function bodyContent(body: z.ZodType | 'bytes'): Schema {
  if (body === 'bytes') return { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } }
  return { 'application/json': { schema: jsonSchema(body, 'input') } }
}

function answerContent(answer: Operation['answer']): Schema {
  if (answer === 'nothing') return { description: 'Done' }
  if (answer === 'bytes')
    return {
      description: 'The bytes',
      content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } },
    }
  if (answer === 'events')
    return { description: 'A stream of events', content: { 'text/event-stream': { schema: { type: 'string' } } } }
  return { description: 'The answer', content: { 'application/json': { schema: jsonSchema(answer, 'output') } } }
}

function jsonSchema(shape: z.ZodType, io: 'input' | 'output'): Schema {
  const { $schema: _, ...schema } = z.toJSONSchema(shape, { io, unrepresentable: 'any', target: 'draft-2020-12' })
  return schema
}
