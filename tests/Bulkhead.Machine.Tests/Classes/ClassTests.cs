using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Devices;
using Bulkhead.Machine.Tests.Hostile;
using Bulkhead.Machine.Tracing;
using Bulkhead.Machine.Workers;
using Xunit;

namespace Bulkhead.Machine.Tests.Classes;

/// <summary>What guests say and do decides who runs, at once.</summary>
public sealed class ClassTests
{
    private const long Us = 1_000;

    private static readonly DomainConfig s_plain = new() { Name = "", Pool = ClassMachine.Pool };

    private static ShareClass Urgent => new("urgent") { Hint = 2, WarpNs = 10_000 * Us, Priority = 200, LimitNs = 200 * Us, RestNs = 300 * Us };

    [Theory]
    [InlineData(SchedulingPolicy.Bvt)]
    [InlineData(SchedulingPolicy.FixedPriority)]
    public void HintPort_WithClasses_TellsHintClassCountAndThatItIsThere(SchedulingPolicy policy)
    {
        using var machine = new ClassMachine(policy, 100 * Us, 1_000 * Us);
        machine.Add(
            static c =>
            {
                c.PrintHintPort();
                c.Hint(2);
                c.PrintHintPort();
                c.Hint(7); // none of its classes
                c.PrintHintPort();
                Victim.Compute(c);
            },
            s_plain with { Classes = [Urgent, new ShareClass("later") { TaskPriority = 3 }] });
        machine.Run();

        Assert.Equal("AACHCBCHHACH", machine.Output(0));
    }

    [Fact]
    public void HintPort_WithoutClasses_IsNotThere()
    {
        using var machine = new ClassMachine(SchedulingPolicy.Bvt, 100 * Us, 1_000 * Us);
        machine.Add(
            static c =>
            {
                c.Hint(2);
                c.PrintHintPort();
                Victim.Compute(c);
            },
            s_plain);
        machine.Run();

        // All ones; the console sees what is left of them.
        Assert.Equal("@@@\uFFFD", machine.Output(0));
    }

    // Both are urgent, the second wakes while the first is, and waits. With the very hint that ends that, it runs.
    [Theory]
    [InlineData(SchedulingPolicy.Bvt, 0)]
    [InlineData(SchedulingPolicy.FixedPriority, 0)]
    [InlineData(SchedulingPolicy.Bvt, 1)]
    [InlineData(SchedulingPolicy.FixedPriority, 1)]
    public void Hint_LowersTheClass_TheWaitingUrgentOneRunsThen(SchedulingPolicy policy, int by)
    {
        using var machine = new ClassMachine(policy, 1_000 * Us, 3_000 * Us);
        ShareClass above = Urgent with { TaskPriority = 8, Hint = 2, WarpNs = 20_000 * Us, Priority = 220, LimitNs = 0, RestNs = 0 };
        machine.Add(
            c =>
            {
                c.Begin();
                Raise(c);
                c.Work(200_000);
                Lower(c);
                Victim.Compute(c);

                void Raise(Iced.Intel.Assembler a) => Do(a, 2, 8);
                void Lower(Iced.Intel.Assembler a) => Do(a, 0, 0);
                void Do(Iced.Intel.Assembler a, byte hint, byte priority)
                {
                    if (by == 0)
                    {
                        a.Hint(hint);
                    }
                    else
                    {
                        a.TaskPriority(priority);
                    }
                }
            },
            s_plain with { Classes = [above] });
        machine.Add(
            static c =>
            {
                c.Begin();
                c.Handle(HostileCode.TimerVector, static h => h.Work(2_000));
                c.OneShot(100_000);
                c.sti();
                c.Forever(static l => l.hlt());
            },
            s_plain with { Classes = [new ShareClass("answer") { WakeNs = 1_000 * Us, WarpNs = 10_000 * Us, Priority = 210 }] });
        List<(long NowNs, int Domain)> chosen = machine.Run();

        // The first is chosen last before the second's answer where it says that it is ordinary, some 200 us from its start.
        int answer = chosen.FindIndex(c => c.Domain == 1 && c.NowNs > 150 * Us);
        Assert.InRange(chosen[answer].NowNs, 200 * Us, 215 * Us);
        Assert.Equal(0, chosen[answer - 1].Domain);
        long waited = chosen[answer].NowNs - 100 * Us;
        Assert.InRange(waited, 90 * Us, 115 * Us);
        Assert.DoesNotContain(chosen, c => c.Domain == 1 && c.NowNs is > 110_000 and < 200_000);
    }

    // An interrupt's answer is urgent, a computation that follows is not: after 50 us of it the other goes on, though its own turn
    // is not over.
    [Fact]
    public void Wake_Class_EndsWithItsTime()
    {
        using var machine = new ClassMachine(SchedulingPolicy.FixedPriority, 1_000 * Us, 1_000 * Us);
        machine.Add(Victim.Compute, s_plain with { Priority = 5 });
        machine.Add(
            static c =>
            {
                c.Begin();
                c.Handle(HostileCode.TimerVector, static h => h.Work(500_000));
                c.OneShot(100_000);
                c.sti();
                c.Forever(static l => l.hlt());
            },
            s_plain with { Classes = [new ShareClass("answer") { WakeNs = 50 * Us, Priority = 210, LimitNs = 100 * Us, RestNs = 100 * Us }] });
        List<(long NowNs, int Domain)> chosen = machine.Run();

        int answer = chosen.FindIndex(static c => c.Domain == 1 && c.NowNs > 90 * Us);
        Assert.Equal((chosen[answer].NowNs + (50 * Us), 0), chosen[answer + 1]);
        Assert.Equal(50 * Us, machine.Runner.Domains[1].Slots[0].RanNs - chosen.Take(answer).Where(static c => c.Domain == 1).Select((c, i) => Length(chosen, chosen.IndexOf(c))).Sum());
    }

    // The sender would never let the receiver run. Of what it rings, one doorbell is urgent.
    [Fact]
    public void Doorbell_SelectsTheReceiversClassAtOnce()
    {
        using var machine = new ClassMachine(SchedulingPolicy.FixedPriority, 1_000 * Us, 1_000 * Us)
        {
            Channels = [new ChannelRequest("mail", 4096, 2, [("tiny0", true), ("tiny1", false)])],
        };
        machine.Add(
            static c =>
            {
                c.Work(100_000);
                c.RingDoorbell(1, 0);
                c.Work(100_000);
                c.RingDoorbell(1, 1);
                Victim.Compute(c);
            },
            s_plain with { Priority = 5 });
        machine.Add(Victim.Compute, s_plain with { Classes = [new ShareClass("mail") { Doorbell = 1, Priority = 210, LimitNs = 50 * Us, RestNs = 2_000 * Us }] });
        List<(long NowNs, int Domain)> chosen = machine.Run();

        int receiver = chosen.FindIndex(static c => c.Domain == 1);
        Assert.InRange(chosen[receiver].NowNs, 200 * Us, 215 * Us);
        Assert.Equal((chosen[receiver].NowNs + (50 * Us), 0), chosen[receiver + 1]);
        Assert.Equal(receiver, chosen.FindLastIndex(static c => c.Domain == 1));
    }

    // A turn has one class, and the flight recorder knows it.
    [Fact]
    public void Turns_OfAGuestWithHints_HaveTheirClass()
    {
        using var machine = new ClassMachine(SchedulingPolicy.Bvt, 100 * Us, 2_000 * Us);
        machine.Add(
            static c => c.Forever(static l =>
            {
                l.Hint(2);
                l.Work(50_000);
                l.Hint(0);
                l.Work(150_000);
            }),
            s_plain with { Classes = [Urgent] });
        _ = machine.Run();

        var ran = new Dictionary<string, long>();
        var recorder = ((Placement?)machine.Runner.Domains[0].Slots[0].Worker)?.Owner.Recorder;
        for (int back = 0; recorder!.TryLookBack(back, out TurnRecord turn); back++)
        {
            string name = turn.Class ?? "none";
            ran[name] = ran.GetValueOrDefault(name) + turn.RanNs;
        }

        Assert.Equal(["base", "urgent"], ran.Keys.Order());
        Assert.InRange(ran["urgent"], 395 * Us, 405 * Us); // four times 50 us, then 300 us without, and once more
        Assert.Equal("base", machine.Runner.Domains[0].Slots[0].ClassName);
    }

    // Two that change their class all the time, and so take turns all the time.
    [Fact]
    public void Hints_AllTheTime_AllocateNothing()
    {
        using var machine = new ClassMachine(SchedulingPolicy.Bvt, 10 * Us, 4_000 * Us);
        for (int i = 0; i < 2; i++)
        {
            machine.Add(
                static c => c.Forever(static l =>
                {
                    l.Hint(2);
                    l.Work(500);
                    l.Hint(0);
                    l.Work(500);
                }),
                s_plain with { Classes = [Urgent with { LimitNs = 0, RestNs = 0 }] });
        }

        // The runtime's own tables may grow on this thread, now and then.
        long before = 0, least = long.MaxValue;
        int choices = 0;
        machine.Run((_, _) =>
        {
            if (++choices % 1_000 == 0)
            {
                long now = GC.GetAllocatedBytesForCurrentThread();
                least = choices > 1_000 ? Math.Min(least, now - before) : least;
                before = now;
            }
        });

        Assert.True(choices > 6_000);
        Assert.Equal(0, least);
    }

    private static long Length(List<(long NowNs, int Domain)> chosen, int at) => chosen[at + 1].NowNs - chosen[at].NowNs;
}
