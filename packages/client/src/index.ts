export { type Client, createClient, type Transport, type TransportRequest, type TransportResponse } from './client.ts'
