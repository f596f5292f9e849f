export { configurationRoutes } from './routes.ts'
export { configurationMigrations } from './schema.ts'
export { type Configuration, createConfiguration } from './service.ts'
