/** Short words for automatic host names: easy to say, to spell and to tell apart. */
export const adjectives = `able agile amber apt azure bold brave brief bright brisk broad calm civil clean clear clever cool cosy crisp daring deft eager early
easy exact fair fancy fast fine firm fleet fluent fond frank free fresh gentle glad golden good grand happy hardy honest humble ideal jolly just keen
kind large lean light lively lofty loyal lucid lucky lunar major mellow merry mighty mild modest neat nimble noble novel open plain polite prime
prompt proper proud pure quick quiet rapid ready regal rich robust royal sharp shiny silent silver simple sincere sleek smart smooth snug sober solar
solid sound stable steady still stout strong sturdy subtle sunny super sure sweet swift tall tidy tough true trusty upbeat useful valid vivid warm
wise witty worthy young zesty`.split(/\s+/);

export const nouns = `acorn adder alder anchor ant anvil aspen badger bark basil bay beacon bear beech beetle birch bison boar bream brook buck canyon
carp cedar cliff clover cod comet coral cove crab crane creek crow dale dawn deer delta dove drake dune eagle eel elk elm ember falcon fawn fern finch fir
fjord flint fox frog gecko glade goose grove gull hare hawk hazel heath heron hill horse ibis iris ivy jackal jay kite koala lake lark larch lemur lily
linden llama lotus lynx maple marten meadow mink mole moon moose moss moth newt oak ocean olive orca osprey otter owl panda peak pearl pebble pike pine plover
pond poppy prairie quail quartz rabbit raven reef ridge river robin rook rose sage salmon seal shark shore shrew sky sloth snipe spruce squid stag star
stone stork stream swan swift tern thistle tiger toad topaz trout tulip tundra valley viper vole walrus wasp whale willow wolf wren yak yew zebra`.split(/\s+/);
