// What a product's page shows comes from five places. Each is a builder; which of them can be asked at the same time
// follows from what they need. One request, one `compute`: nothing is stored, and there is nothing to clean up.
import { builder, data, nothing, service, type, workflow } from 'polaris-workflow'
import * as z from 'zod'
import type { Shop } from './shop.ts'

export const PageRequest = data(
  'PageRequest',
  z.object({ sku: z.string().min(1), country: z.string().length(2).toUpperCase(), visitor: z.string().optional() }),
)

const Product = data('Product', type<{ name: string; category: string }>())
const Price = data('Price', type<{ cents: number; currency: string }>())
const Stock = data('Stock', type<{ left: number }>())
const Reviews = data('Reviews', type<{ stars: number; count: number }>())
const Recommendations = data('Recommendations', type<{ names: string[] }>())
export const Page = data(
  'Page',
  type<{ title: string; price: string; availability: string; rating: string; alsoLiked: string[] }>(),
)

const Shop = service<Shop>()('shop')

const findProduct = builder({
  name: 'findProduct',
  consumes: { request: PageRequest },
  services: { shop: Shop },
  produces: Product,
  process: async ({ request: { sku } }, { services: { shop }, signal }) =>
    (await shop.product(sku, signal)) ?? nothing(`we sell no '${sku}'`),
})

const findPrice = builder({
  name: 'findPrice',
  consumes: { request: PageRequest },
  services: { shop: Shop },
  produces: Price,
  process: ({ request: { sku, country } }, { services: { shop }, signal }) => shop.price(sku, country, signal),
})

const countStock = builder({
  name: 'countStock',
  consumes: { request: PageRequest },
  services: { shop: Shop },
  produces: Stock,
  process: ({ request: { sku, country } }, { services: { shop }, signal }) => shop.stock(sku, country, signal),
})

// A page without stars is still a page: trouble with the reviews is no reason to show nothing at all.
const readReviews = builder({
  name: 'readReviews',
  consumes: { request: PageRequest },
  services: { shop: Shop },
  produces: Reviews,
  process: ({ request: { sku } }, { services: { shop }, signal }) =>
    shop.reviews(sku, signal).catch((error: unknown) => nothing(String(error))),
})

// The only source that has to wait for another one.
const recommend = builder({
  name: 'recommend',
  consumes: { request: PageRequest, product: Product },
  services: { shop: Shop },
  produces: Recommendations,
  process: ({ request: { visitor }, product }, { services: { shop }, signal }) =>
    shop.recommendations(product.category, visitor, signal),
})

const composePage = builder({
  name: 'composePage',
  consumes: { product: Product, price: Price, stock: Stock },
  optionals: { reviews: Reviews, recommendations: Recommendations },
  produces: Page,
  process: ({ product, price, stock, reviews, recommendations }) => ({
    title: product.name,
    price: `${(price.cents / 100).toFixed(2)} ${price.currency}`,
    availability: stock.left === 0 ? 'sold out' : stock.left < 5 ? `only ${stock.left} left` : 'in stock',
    rating: reviews ? `${reviews.stars} of 5 (${reviews.count} reviews)` : 'not rated',
    alsoLiked: recommendations?.names ?? [],
  }),
})

export const productPage = workflow({
  name: 'productPage',
  builders: [findProduct, findPrice, countStock, readReviews, recommend, composePage],
  target: Page,
})
