using CsCheck;
using Xunit;

namespace Bulkhead.Devices.Tests.Chipset;

/// <summary>I/O APIC and local APIC against a model of pins, waiting vectors and served vectors.</summary>
public sealed class ApicPropertyTests
{
    private const int Pins = 4;

    private enum Kind
    {
        Pin,
        Mask,
        Take,
        Finish,
        Priority,
        Ipi,
    }

    private static readonly Kind[] s_kinds = [Kind.Pin, Kind.Pin, Kind.Pin, Kind.Mask, Kind.Take, Kind.Take, Kind.Finish, Kind.Priority, Kind.Ipi];

    [Fact]
    public void AnyHistory_BehavesAsTheModel()
    {
        Gen<(Kind, int, bool)> step = Gen.Select(
            Gen.Int[0, 8].Select(static i => s_kinds[i]),
            Gen.Int[0, 15],
            Gen.Bool);
        Gen<(byte, bool)> route = Gen.Select(Gen.Byte[16, 255], Gen.Bool);
        Gen.Select(route.Array[Pins], step.Array[0, 80])
            .Where(static (routes, _) => routes.Select(static r => r.Item1).Distinct().Count() == Pins)
            .Sample(Run, iter: 3000, threads: 1);
    }

    private static void Run((byte Vector, bool Level)[] routes, (Kind Kind, int Number, bool On)[] steps)
    {
        var rig = new ApicRig();
        bool[] high = new bool[Pins];
        bool[] masked = new bool[Pins];
        bool[] remote = new bool[Pins];
        var waiting = new SortedSet<int>();
        var served = new Stack<int>();
        int[] raised = new int[Pins];
        int[] taken = new int[Pins];
        int priority = 0;
        for (int i = 0; i < Pins; i++)
        {
            Program(i);
        }

        void Program(int pin) => rig.Route(
            pin + 10, routes[pin].Vector | (routes[pin].Level ? 0x8000u : 0) | (masked[pin] ? 0x1_0000u : 0));

        void Offer(int pin)
        {
            if (routes[pin].Level && high[pin] && !masked[pin] && !remote[pin])
            {
                remote[pin] = true;
                raised[pin]++;
                waiting.Add(routes[pin].Vector);
            }
        }

        int Expected()
        {
            int floor = Math.Max(priority, served.Count > 0 ? served.Peek() >> 4 : 0);
            return waiting.Count > 0 && waiting.Max >> 4 > floor ? waiting.Max : -1;
        }

        foreach ((Kind kind, int number, bool on) in steps)
        {
            int pin = number % Pins;
            switch (kind)
            {
                case Kind.Pin:
                    rig.IoApic.SetPin(pin + 10, on);
                    bool rises = on && !high[pin];
                    high[pin] = on;
                    if (rises && !routes[pin].Level && !masked[pin] && waiting.Add(routes[pin].Vector))
                    {
                        raised[pin]++;
                    }

                    Offer(pin);
                    break;
                case Kind.Mask:
                    masked[pin] = on;
                    Program(pin);
                    Offer(pin);
                    break;
                case Kind.Take:
                    int expected = Expected();
                    Assert.Equal(expected, rig.Take());
                    if (expected >= 0)
                    {
                        waiting.Remove(expected);
                        served.Push(expected);
                        int source = Array.FindIndex(routes, r => r.Vector == expected);
                        if (source >= 0)
                        {
                            taken[source]++;
                        }
                    }

                    break;
                case Kind.Finish when served.Count > 0:
                    int done = served.Pop();
                    rig.Eoi();
                    int owner = Array.FindIndex(routes, r => r.Vector == done && r.Level);
                    if (owner >= 0)
                    {
                        remote[owner] = false;
                        Offer(owner);
                    }

                    break;
                case Kind.Priority:
                    priority = number;
                    rig.Apic.TaskPriority = (byte)number;
                    break;
                case Kind.Ipi:
                    // A vector of no pin: sharing one between a level pin and an IPI is a guest's bug.
                    int vector = 16 + (number * 13);
                    if (!Array.Exists(routes, r => r.Vector == vector))
                    {
                        rig.Apic.Out32(0x300, 0x4_0000 | (uint)vector);
                        waiting.Add(vector);
                    }

                    break;
            }

            Assert.Equal(Expected() >= 0, rig.Apic.HasPending);
            for (int i = 0; i < Pins; i++)
            {
                Assert.Equal(remote[i], (rig.ReadRoute(i + 10) & 0x4000) != 0);
            }
        }

        // In the end everything raised is taken, once.
        rig.Apic.TaskPriority = 0;
        while (served.Count > 0)
        {
            served.Pop();
            rig.Eoi();
        }

        for (int i = 0; i < Pins; i++)
        {
            raised[i] += routes[i].Level && high[i] && !masked[i] && remote[i] && !waiting.Contains(routes[i].Vector) ? 1 : 0;
            masked[i] = true;
            Program(i);
        }

        for (int vector = rig.Take(); vector >= 0; vector = rig.Take())
        {
            rig.Eoi();
            int source = Array.FindIndex(routes, r => r.Vector == vector);
            if (source >= 0)
            {
                taken[source]++;
            }
        }

        Assert.Equal(raised, taken);
    }
}
