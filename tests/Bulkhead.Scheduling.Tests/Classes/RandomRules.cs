using Bulkhead.Scheduling.Classes;
using CsCheck;

namespace Bulkhead.Scheduling.Tests.Classes;

/// <summary>Random classes, and guests that say and do whatever they like.</summary>
internal static class RandomRules
{
    private static readonly Gen<long> s_time = Gen.OneOf(Gen.Long[1, 100], Gen.Long[1, 20_000], Gen.Long[1, 2_000_000]);

    public static readonly Gen<ClassRule> Any =
        Gen.Select(
            Gen.OneOf(Gen.Const((byte)0), Gen.Byte[1, 3]),
            Gen.OneOf(Gen.Const((byte)0), Gen.Byte[1, 15]),
            Gen.OneOf(Gen.Const(0L), s_time),
            Gen.OneOf(Gen.Const(0L), s_time, s_time),
            s_time)
        .Select(static (hint, priority, wake, limit, rest) =>
            new ClassRule(hint, priority, wake, limit == 0 ? default : new ClassBudget(limit, rest)));

    public static void Act(ClassSelector classes, Random random)
    {
        if (random.Next(2) == 0)
        {
            classes.Say((byte)random.Next(4));
        }
        else
        {
            classes.TaskPriority = (byte)random.Next(16);
        }
    }
}
