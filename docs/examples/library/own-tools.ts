import { PropertySchema, Tool, ToolInputSchema } from 'toolgate'

const weather = new Tool('get_weather', 'Get the current weather of a place').withInputSchema(
  ToolInputSchema.object()
    .withProperty('city', PropertySchema.string('City name'), true)
    .withProperty('units', PropertySchema.string().withEnum(['celsius', 'fahrenheit'])),
)
const { type, function: described } = weather.toOpenAIFunction()
console.log(type, described.name, described.parameters)
console.log(Object.keys(weather.toAnthropicTool()))
